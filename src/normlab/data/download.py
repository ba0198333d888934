"""Datasets in MNIST's format that are fetched when first asked for."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shlex import quote

import pooch

from normlab.errors import BadData


@dataclass(frozen=True, kw_only=True)
class Remote:
    """Where a dataset is published and what its files must be."""

    mirrors: tuple[str, ...]  # folders, tried in this order
    files: Mapping[str, str]  # name -> SHA-256
    classes: tuple[str, ...]


REMOTES: Mapping[str, Remote] = {
    # Xiao, Rasul and Vollgraf 2017, MIT licence
    "fashion-mnist": Remote(
        mirrors=(
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        files={
            "train-images-idx3-ubyte.gz": (
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
            ),
            "train-labels-idx1-ubyte.gz": (
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
            ),
            "t10k-images-idx3-ubyte.gz": (
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
            ),
            "t10k-labels-idx1-ubyte.gz": (
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
            ),
        },
        classes=(
            *("T-shirt/top", "trouser", "pullover", "dress", "coat"),
            *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
        ),
    ),
    # Clanuwat et al. 2018, CC BY-SA 4.0
    "kmnist": Remote(
        mirrors=(
            "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        ),
        files={
            "train-images-idx3-ubyte.gz": (
                "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"
            ),
            "train-labels-idx1-ubyte.gz": (
                "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"
            ),
            "t10k-images-idx3-ubyte.gz": (
                "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"
            ),
            "t10k-labels-idx1-ubyte.gz": (
                "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"
            ),
        },
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    ),
}


def fetch(name: str, remote: Remote, *, cache: Path | None = None) -> Path:
    """The folder with a dataset's files, downloaded unless they are there.

    Every file is compared with its SHA-256, also one that is there already, and
    appears under its name only when it is whole.

    Args:
        name: Of the dataset.
        remote: Where it is.
        cache: Where downloads are kept; by default the folder that the environment
            variable NORMLAB_CACHE names, or the user's cache folder.

    Raises:
        BadData: If a file cannot be had from any mirror.
    """
    folder = (cache or _default_cache()) / name
    for file, digest in remote.files.items():
        _fetch_file(name, remote.mirrors, file, digest, folder)
    return folder


def _fetch_file(
    name: str, mirrors: tuple[str, ...], file: str, digest: str, folder: Path
) -> None:
    failures = []
    for mirror in mirrors:
        try:
            with _quiet():
                pooch.retrieve(
                    mirror + file,
                    known_hash=f"sha256:{digest}",
                    fname=file,
                    path=folder,
                    # pooch's own protocol differs in the parameters' names
                    downloader=pooch.HTTPDownloader(timeout=20),  # pyright: ignore[reportArgumentType]
                )
        # offline, refused, not found (all OSError in requests), or another digest
        except (OSError, ValueError) as error:
            failures.append(_reason(mirror, error))
        else:
            return
    there = folder / file
    if there.is_file():
        raise BadData(
            f"{there} is not the file of {name} that was published (its SHA-256 is "
            f"{sha256(there.read_bytes()).hexdigest()}, not {digest}), and that one "
            f"cannot be downloaded: {'; '.join(failures)}. Take it away and go online "
            f"once, or use the files as they are: --data {quote(str(folder))}"
        )
    raise BadData(
        f"cannot download {file} of {name}: {'; '.join(failures)}. "
        f"Go online once, or put the file into {folder}."
    )


def _reason(mirror: str, error: Exception) -> str:
    host = mirror.split("/")[2]
    if isinstance(error, ValueError):
        return f"{host} sends another file (SHA-256 differs)"
    response = getattr(error, "response", None)
    if response is not None:
        return f"{host} answers {response.status_code}"
    return f"{host} cannot be reached"


def _default_cache() -> Path:
    named = os.environ.get("NORMLAB_CACHE")
    return Path(named) if named else Path(pooch.os_cache("normlab"))


@contextmanager
def _quiet() -> Iterator[None]:
    """Pooch tells of every file on standard error; errors are ours to tell."""
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
