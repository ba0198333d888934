"""What Python users call; every name is reached as `normlab.NAME`."""
