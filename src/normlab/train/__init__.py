"""Training: one run, from initial weights to the end or to its divergence."""
