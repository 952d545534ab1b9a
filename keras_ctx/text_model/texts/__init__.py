"""Texts as people hand them over, with and without labels."""
