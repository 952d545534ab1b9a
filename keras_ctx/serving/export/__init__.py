"""Exports a model with its text inputs to a version folder."""
