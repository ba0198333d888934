"""Downloads from a server on this machine, with small made-up files."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from normlab.data import download, load
from normlab.data.download import REMOTES, Remote, fetch
from normlab.errors import BadData
from normlab.spec.data import Data

from .files import idx_folder


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class Server:
    """What is published, where, and how often it was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        server = self

        class Counting(Silent):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                super().do_GET()

        handler = partial(Counting, directory=str(folder))
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server(idx_folder(tmp_path / "published"))
    yield server
    server.stop()


def remote(server: Server, *mirrors: str) -> Remote:
    files = {
        path.name: sha256(path.read_bytes()).hexdigest()
        for path in sorted(server.folder.iterdir())
    }
    return Remote(
        mirrors=mirrors or (server.url,), files=files, classes=("a", "b", "c")
    )


def test_files_are_fetched_once(server: Server, tmp_path: Path) -> None:
    for _ in range(2):
        folder = fetch("made-up", remote(server), cache=tmp_path / "cache")
    assert folder == tmp_path / "cache" / "made-up"
    assert len(list(folder.iterdir())) == len(server.asked) == 4


def test_a_name_becomes_a_dataset(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NORMLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "REMOTES", {})
    monkeypatch.setitem(load.REMOTES, "made-up", remote(server))  # type: ignore[arg-type]
    monkeypatch.setitem(load.NAMED, "made-up", partial(load._downloaded, "made-up"))  # type: ignore[arg-type]
    data = load.load(Data(source="made-up"))
    assert (data.name, data.classes) == ("made-up", ("a", "b", "c"))
    assert (len(data.train), len(data.test)) == (30, 9)


def test_the_next_mirror_is_tried(server: Server, tmp_path: Path) -> None:
    mirrors = (server.url + "gone/", "http://127.0.0.1:9/", server.url)
    folder = fetch("made-up", remote(server, *mirrors), cache=tmp_path / "cache")
    assert len(list(folder.iterdir())) == 4


def test_a_mirror_with_another_file_is_passed_over(
    server: Server, tmp_path: Path
) -> None:
    asked_for = remote(server, server.url + "changed/", server.url)
    changed = idx_folder(server.folder / "changed")
    for path in changed.iterdir():
        path.write_bytes(b"changed")
    folder = fetch("made-up", asked_for, cache=tmp_path / "cache")
    assert all(path.read_bytes() != b"changed" for path in folder.iterdir())


def test_a_damaged_file_in_the_cache_is_fetched_again(
    server: Server, tmp_path: Path
) -> None:
    folder = fetch("made-up", remote(server), cache=tmp_path / "cache")
    damaged = next(folder.iterdir())
    damaged.write_bytes(b"half a fi")
    fetch("made-up", remote(server), cache=tmp_path / "cache")
    assert damaged.read_bytes() != b"half a fi"
    assert len(server.asked) == 5


def test_when_nothing_helps_one_line_says_what_was_tried(
    server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mirrors = (server.url + "gone/", "http://127.0.0.1:9/")
    with pytest.raises(
        BadData,
        match=r"^cannot download \S+ of made-up: 127\.0\.0\.1:\d+ answers 404; "
        r"127\.0\.0\.1:9 cannot be reached\. Go online once, or put the file into",
    ):
        fetch("made-up", remote(server, *mirrors), cache=tmp_path / "cache")
    assert capfd.readouterr() == ("", "")


def test_another_file_from_everywhere_is_told(server: Server, tmp_path: Path) -> None:
    asked_for = remote(server)
    for path in server.folder.iterdir():
        path.write_bytes(b"changed")
    with pytest.raises(BadData, match=r"sends another file \(SHA-256 differs\)"):
        fetch("made-up", asked_for, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.gz"))


@pytest.mark.parametrize("name", REMOTES)
def test_every_remote_dataset_has_four_checked_files(name: str) -> None:
    found = REMOTES[name]
    assert len(found.files) == 4
    assert all(len(digest) == 64 for digest in found.files.values())
    assert len(found.mirrors) >= 2
    assert all(mirror.endswith("/") for mirror in found.mirrors)
    assert len(found.classes) == 10


def test_another_file_that_lies_in_the_cache_is_named_with_its_digest(
    tmp_path: Path, server: Server
) -> None:
    """A distribution packs the same images again: other bytes under the same name."""
    folder = idx_folder(tmp_path / "cache" / "made-up")
    for path in folder.iterdir():
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), 1))
    first = min(path for path in folder.iterdir())
    with pytest.raises(BadData, match=r"is not the file of made-up that was") as told:
        fetch("made-up", remote(server, "http://127.0.0.1:9/"), cache=folder.parent)
    assert str(first) in str(told.value)
    assert sha256(first.read_bytes()).hexdigest() in str(told.value)
    assert f"--data {folder}" in str(told.value)
    assert len(load.load(Data(source=str(folder))).train) == 30
