"""The README.md of a version."""
