"""Scores, equal to those of the official scorers."""
