"""What a user passes as data, as batches of examples."""
