"""Weight files of any kind as arrays by name, checked."""
