"""Pairs of texts and their batches, for a translator."""
