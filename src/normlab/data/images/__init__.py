"""Images as files: folders, parts, pixels."""
