"""Splits texts into words and characters, and finds their positions."""
