"""The loss of a network at the points of a plane, fast or direct."""
