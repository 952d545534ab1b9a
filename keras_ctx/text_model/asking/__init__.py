"""Texts to what a model says of them, in order and with few in memory."""
