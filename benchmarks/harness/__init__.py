"""The harness of `speed.py`: works, inputs, worker processes, tables."""
