"""Reads texts in any common form, with and without labels."""
