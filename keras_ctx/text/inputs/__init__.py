"""Turns texts into model inputs, with one class for each kind of encoder."""
