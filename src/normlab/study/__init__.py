"""Studies: twins trained side by side, conducted, interrupted and resumed."""
