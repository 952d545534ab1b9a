"""Smaller weights in a version, and what they cost."""
