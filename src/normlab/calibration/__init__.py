"""How often verdicts err where nothing differs: A/A studies from real runs."""
