"""Vocabularies: read, written, learned; tokens taken as they are."""
