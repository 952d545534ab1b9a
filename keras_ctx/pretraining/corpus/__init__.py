"""Converts a corpus to training records."""
