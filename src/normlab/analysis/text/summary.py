"""A study as one JSON object: the contract of `normlab show --json`."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from normlab.analysis.analyse import Analysis
from normlab.analysis.claim import Claim, Part
from normlab.analysis.design.learning import Chance, trained
from normlab.analysis.inference.component import Decision
from normlab.records.data_line import NOTED, noted_data
from normlab.records.looks import LOOKS
from normlab.records.rows import ENDED, EpochRow, RunRecord, StudyRecord

SCHEMA = 1


def to_json(record: StudyRecord, analysis: Analysis) -> dict[str, Any]:
    """Everything that is known, in plain lists, dicts, numbers and strings.

    Accuracies are fractions, losses nats per example, ratios 1 = equal; what is not
    finite is null. Claims carry their rates, and what was compared at them, only where
    a study has several; runs and claims their point only where it has a sweep.

    Returns:
        `schema`, `study` (study.toml, the baseline, what was proven equal, what
        the data are, where it ran), `runs` and `claims`.
    """
    several = len(record.spec.recipe.rates) > 1
    swept = bool(record.spec.sweep.axes)
    chance = Chance.of(record)
    whole = {
        "schema": SCHEMA,
        "study": _study(record, analysis),
        "runs": [_run(run, chance, swept=swept) for run in record.runs],
        "claims": [
            _claim(claim, with_rate=several, swept=swept) for claim in analysis.claims
        ],
    }
    return _finite(whole)


def _study(record: StudyRecord, analysis: Analysis) -> dict[str, Any]:
    return {
        **record.spec.model_dump(mode="json", by_alias=True),
        "baseline": record.spec.baseline.name,
        "equal": {
            "compared": analysis.fairness.compared,
            "proven": analysis.fairness.proven,
            "text": str(analysis.fairness),
            "differences": list(analysis.fairness.differences),
            "remarks": list(analysis.fairness.remarks),
        },
        "remarks": list(analysis.remarks),
        "dataset": noted_data(record.meta),
        "measurements": dict(record.measurements),
        "lost": list(record.lost),
        "notes": {text: list(runs) for text, runs in record.notes.items()},
        "looks": [asdict(look) for look in record.looks],
        "meta": {k: v for k, v in record.meta.items() if k not in (NOTED, LOOKS)},
    }


def _run(run: RunRecord, chance: Chance, *, swept: bool) -> dict[str, Any]:
    point = {"point": dict(run.key.point)} if swept else {}
    return {
        "arm": run.key.arm,
        "rate": run.key.rate,
        "seed": run.key.seed,
        **point,
        "status": run.status,
        "trained": trained(run, chance) if run.status in ENDED else None,
        "parameters": run.parameters,
        "digests": {"init": run.init_digest, "batches": run.batch_digest or None},
        "epochs": [_epoch(row) for row in run.epochs],
    }


def _epoch(row: EpochRow) -> dict[str, Any]:
    return {
        "epoch": row.epoch,
        "train_loss": row.train_loss,
        "test_loss": row.test_loss,
        "test_accuracy": row.test_accuracy,
        "metrics": dict(row.metrics),
        "seconds": row.seconds,
    }


def _claim(claim: Claim, *, with_rate: bool, swept: bool) -> dict[str, Any]:
    rates = {
        "rate": claim.rate,
        "baseline_rate": claim.baseline_rate,
        "compared": claim.compared,
    }
    point = {"point": dict(claim.point), "axis": claim.axis} if swept else {}
    return {
        "id": claim.id,
        "arm": claim.arm,
        "baseline": claim.baseline,
        **(rates if with_rate else {}),
        **point,
        "statement": claim.statement,
        **({"own": True} if claim.definition.own else {}),
        "measure": claim.definition.measure,
        "scale": claim.definition.scale,
        "unit": claim.definition.unit,
        "estimate": claim.estimate,
        "interval": claim.interval,
        "decides": _decision(claim.decides),
        **({"shares": [s._asdict() for s in claim.shares]} if claim.shares else {}),
        "components": [_part(part) for part in claim.components],
        "veto": None if claim.veto is None else _part(claim.veto),
        "p": claim.p,
        "p_holm": claim.p_holm,
        "level": claim.level,
        "look": list(claim.look),
        "final": claim.final,
        "margin": claim.definition.margin,
        "better": claim.definition.better,
        "test": claim.definition.test,
        "planned": claim.planned,
        "pending": claim.pending,
        "resolved": claim.resolved,
        "effects": [effect._asdict() for effect in claim.effects],
        "wins": claim.wins,
        "seeds": claim.seeds,
        "verdict": claim.verdict,
        "note": "; ".join(claim.remarks),
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "name": part.name,
        "side": part.side,
        "estimate": part.estimate,
        "decides": _decision(part.decides),
        "equivalence": _decision(part.equivalence),
        "p": part.p,
        "p_worst": part.p_worst,
        "missing": part.missing,
        "images": None if part.images is None else part.images._asdict(),
        "effects": [effect._asdict() for effect in part.effects],
    }


def _decision(decision: Decision | None) -> dict[str, Any] | None:
    return None if decision is None else decision._asdict()


def _finite(value: Any) -> Any:
    """JSON has no nan and no infinity: null instead; tuples become lists."""
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
