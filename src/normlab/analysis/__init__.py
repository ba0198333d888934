"""From records to numbers with their uncertainty, and claims with verdicts."""
