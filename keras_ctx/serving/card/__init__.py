"""Writes the README.md of a version."""
