"""Readers of lines and documents, compressed or not, in any encoding."""
