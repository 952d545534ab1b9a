"""One module for each library that `speed.py` and `scaling.py` measure.

A module runs in a process of its own (`speed_worker.py`), in the Python that
has its library, and imports nothing else of this repository than `peers.step`.
Its `STEPS` has a function for each kind of work: it loads a model and returns
the `Step` to measure. Its `PACKAGES` are those whose versions are printed.
"""
