"""Shared by the recipes that train a translator."""
