"""The folder of a run: settings, digests, figures, checkpoints."""
