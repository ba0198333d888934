"""normlab: what batch normalization does to a network, with paired evidence."""
