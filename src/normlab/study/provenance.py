"""What makes a study's numbers beside its study.toml, noted as digests.

They are noted when a study begins. When it goes on, or is made again, what is there by
then must have the same ones: else two experiments would pass for one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import numpy as np
from torch.nn.functional import cross_entropy

from normlab.base.content import content_digest
from normlab.data.feed import needs_float64
from normlab.data.reading import VERSION
from normlab.errors import BadFolder
from normlab.nets.custom import Factory
from normlab.nets.neighbours import file_digests
from normlab.nets.own_norm import OwnNorm
from normlab.spec.point import point_json
from normlab.study.differences import Told
from normlab.study.source import norms_of, source_of

_FIRST_READING = "1"  # of studies that noted none

if TYPE_CHECKING:
    from normlab.records.folder import StudyFolder
    from normlab.study.prepare import Prepared


def provenance(prepared: Prepared) -> dict[str, str]:
    """The digests of a study's data, its networks at step 0 and its users' code.

    A network's digest is of its modules and initial weights at the first seed. The
    text of a model file is kept too, with the SHA-256 of each file beside it that it
    imports from; of what is given from Python, what it computes with (see
    `base.content`).
    """
    source, python = prepared.source, prepared.python
    noted = {
        "data_digest": prepared.dataset.digest,
        "data_reading": VERSION,
        "networks": _of_arms(prepared, "networks"),
        "starts": _of_arms(prepared, "starts"),
        "python_code": json.dumps(
            {
                name: content_digest(given)
                for name in ("model", "model_output", "loss", "optimizer")
                if (given := getattr(python, name)) is not None
                and given is not cross_entropy
            }
            | {f"norm {n}": content_digest(made) for n, made in python.norms.items()}
        ),
    }
    if source.weights is not None:
        noted["weights"] = source.weights.digest
    told = [variant.told for variant in prepared.variants.values()]
    for key, sentences in zip(Told._fields, zip(*told, strict=True), strict=True):
        if found := list(dict.fromkeys(chain(*sentences))):
            noted[key] = json.dumps(found)
    if isinstance(source, Factory):
        noted["model_source"] = source.code.source
        noted["model_sha256"] = source.code.sha256
        noted["model_files"] = json.dumps(source.code.neighbours())
    if files := dict(_norm_files(source.norms)):
        noted["norm_sources"] = json.dumps({n: f.code.source for n, f in files.items()})
        noted["norm_sha256"] = json.dumps({n: f.code.sha256 for n, f in files.items()})
        noted["norm_files"] = json.dumps(
            {
                f"{arm}:{name}": digest
                for arm, file in files.items()
                for name, digest in file.code.neighbours().items()
            }
        )
    return noted


def _norm_files(norms: Mapping[str, OwnNorm]) -> Iterator[tuple[str, Factory]]:
    for arm, norm in norms.items():
        if isinstance(norm.given, Factory):
            yield arm, norm.given


def _of_arms(prepared: Prepared, key: str) -> str:
    """What a variant knows of each arm's network, as JSON."""
    return json.dumps(
        {
            f"{arm} at {point_json(point)}" if point else arm: one
            for point, variant in prepared.variants.items()
            for arm, one in getattr(variant, key).items()
        }
    )


def refuse_changed_files(folder: StudyFolder, remedy: str) -> None:
    """Refuse other model code than the study began with, before it is executed.

    Args:
        folder: Of the study that began with it.
        remedy: What to do about it.

    Raises:
        BadFolder: If the model file, or one that it imports from, differs.
    """
    spec, before = folder.spec, folder.meta()
    if spec.model.factory is not None:
        source = source_of(spec.model, root=Path())
        assert isinstance(source, Factory)
        known = json.loads(before.get("model_files", "{}"))
        digest = before.get("model_sha256")
        _refuse_other_text(folder, "the model file", source, digest, known, remedy)
    arms = [arm for arm in spec.arms if arm.file is not None]
    digests = json.loads(before.get("norm_sha256", "{}"))
    beside = json.loads(before.get("norm_files", "{}"))
    for arm, file in _norm_files(norms_of(arms, root=Path(), given={})):
        what, start = f"the file of norm {arm}", f"{arm}:"
        known = {
            name.removeprefix(start): digest
            for name, digest in beside.items()
            if name.startswith(start)
        }
        _refuse_other_text(folder, what, file, digests.get(arm), known, remedy)


def _refuse_other_text(
    folder: StudyFolder,
    what: str,
    source: Factory,
    digest: str | None,
    beside: Mapping[str, str],
    remedy: str,
) -> None:
    """Refuse another text of a file, or of one beside it that it imports from."""
    kept = f"{remedy} study.db keeps its text."
    _refuse(folder, what, digest, source.code.sha256, kept)
    now = file_digests(source.code.root, beside)
    for name, digest_before in beside.items():
        _refuse(folder, f"the file {name}", digest_before, now[name], remedy)


def refuse_changed(folder: StudyFolder, prepared: Prepared, remedy: str) -> None:
    """Refuse other data, networks or functions than the study began with.

    Args:
        folder: Of the study that began with them.
        prepared: What is there now.
        remedy: What to do about it.

    Raises:
        BadFolder: If one of them differs.
    """
    before, now = folder.meta(), provenance(prepared)
    refuse_other_reading(folder, before, prepared)
    _refuse(folder, "the data", before.get("data_digest"), now["data_digest"], remedy)
    weights = "the file of weights"
    _refuse(folder, weights, before.get("weights"), now.get("weights"), remedy)
    moved = {arm for variant in prepared.variants.values() for arm in variant.moved}
    if moved and "starts" not in before:
        raise BadFolder(
            f"{folder.path}: the study began with an earlier normlab, which drew what "
            f"arms {', '.join(sorted(moved))} do not share with the baseline by "
            f"itself; now all arms draw the same. Start a new study."
        )
    for key, name in (
        ("python_code", "what Python was given as {}"),
        ("networks", "the network of arm {} at step 0"),
        ("starts", "what arm {} starts from"),
    ):
        was, found = (_named(of.get(key, "{}")) for of in (before, now))
        for one in was.keys() & found.keys():  # studies of before know none
            _refuse(folder, name.format(one), was[one], found[one], remedy)


def refuse_other_reading(
    folder: StudyFolder, before: Mapping[str, str], prepared: Prepared
) -> None:
    """Refuse to go on where networks would be given other numbers of the same data.

    Args:
        folder: Of the study.
        before: What it noted when it began.
        prepared: What is there now.

    Raises:
        BadFolder: If it began under other rules of reading, by which the data differ.
    """
    if before.get("data_reading", _FIRST_READING) == VERSION:
        return
    dataset = prepared.dataset
    # as float32 they were given to the network with fewer digits
    finer = dataset.train.images.dtype == np.float32 and needs_float64(
        dataset.train, dataset.mean, dataset.std
    )
    if finer or before.get("data_digest") != dataset.digest:
        raise BadFolder(
            f"{folder.path}: this version of normlab reads the data otherwise than the "
            "one that began the study, or the data has changed, and no verdict is made "
            f"of both (now: {prepared.data['line']}). Go on with that version, or run "
            f"it as a new study: normlab run {quote(str(folder.settings))}"
        )


def _refuse(
    folder: StudyFolder, what: str, before: str | None, now: str | None, remedy: str
) -> None:
    if before != now:
        raise BadFolder(
            f"{folder.path}: {what} is not what it was when the study began (digest "
            f"{before}, now {now or 'missing'}). {remedy}"
        )


def _named(text: str) -> Mapping[str, str]:
    return json.loads(text)
