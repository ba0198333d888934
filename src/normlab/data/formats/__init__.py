"""File formats: arrays, tables and archives, each read in one file."""
