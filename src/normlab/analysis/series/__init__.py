"""Numbers along training."""
