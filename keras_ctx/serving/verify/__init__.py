"""Checks that a version answers as the model, in a new process."""
