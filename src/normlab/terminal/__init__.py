"""What a study says on a terminal: progress, tables, charts, plain lines."""
