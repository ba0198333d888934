"""What figures are made with: theme, panels, scales, marks, files."""
