"""Numbers as a reader sees them: words, tables, summaries."""
