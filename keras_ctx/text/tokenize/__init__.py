"""Texts to words and characters, and where these stand in the text."""
