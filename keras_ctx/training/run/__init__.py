"""The folder of a run: settings, digests, metrics, checkpoints."""
