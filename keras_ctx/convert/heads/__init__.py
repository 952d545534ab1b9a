"""Loads the heads of checkpoints as our task models."""
