"""Predicts results for texts, in order and in bounded memory."""
