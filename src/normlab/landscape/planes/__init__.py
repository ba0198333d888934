"""Planes of parameter space, and the networks that span them."""
