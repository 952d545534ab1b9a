"""Rows of unequal length: checked, cut, packed."""
