"""Word vectors from characters, and sentence markers."""
