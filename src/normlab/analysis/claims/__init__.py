"""The statements that a study can judge: one claim per file, one row here."""

from __future__ import annotations

from normlab.analysis.claims import (
    better_accuracy,
    calmer_variance,
    faster_convergence,
    less_covariate_shift,
    predictable_steps,
    rounder_contours,
    smoother_surface,
    steadier_activations,
    steadier_features,
    steadier_training,
    straighter_path,
    trains_at_all,
    wider_learning_rates,
)
from normlab.analysis.claims.definition import Definition

DEFINITIONS: tuple[Definition, ...] = (
    rounder_contours.CLAIM,
    smoother_surface.CLAIM,
    predictable_steps.CLAIM,
    straighter_path.CLAIM,
    steadier_activations.CLAIM,
    calmer_variance.CLAIM,
    steadier_features.CLAIM,
    less_covariate_shift.CLAIM,
    faster_convergence.CLAIM,
    better_accuracy.CLAIM,
    steadier_training.CLAIM,
    trains_at_all.CLAIM,
    wider_learning_rates.CLAIM,
)
"""In the order in which they are shown."""
