"""The study folder: events in, rows out; one writer, many readers."""
