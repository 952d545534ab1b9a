"""Texts to the inputs of a model, one class for each kind of encoder."""
