"""Checks, cuts and packs ragged rows."""
