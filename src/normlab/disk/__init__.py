"""Files: one way to write them whole or not at all, one way to open a stranger's."""
