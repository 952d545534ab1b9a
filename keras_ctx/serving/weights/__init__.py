"""Smaller weights in a version, and their errors."""
