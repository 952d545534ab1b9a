"""The harness of `speed.py` and `scaling.py`: works, processes, pages."""
