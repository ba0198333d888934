"""The design of the comparison: pairs, rates, settings, what was equal."""
