"""From results to pictures: one figure per file, each with how to read it."""
