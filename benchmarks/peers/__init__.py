"""One module for each library that is measured beside this one.

It is for `speed.py`, `scaling.py` and `generation.py`, and runs in a process
of its own (`speed_worker.py`), in the Python that
has its library, and imports nothing else of this repository than `peers.step`.
Its `STEPS` has a function for each kind of work: it loads a model and returns
the `Step` to measure. Its `PACKAGES` are those whose versions are printed.
"""
