"""Losses, with weights that ignore padding."""
