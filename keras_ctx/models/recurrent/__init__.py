"""Bidirectional recurrent layers over the words of an encoder (TagLM)."""
