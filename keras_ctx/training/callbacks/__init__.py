"""Callbacks of `model.fit`: log, backup, best epoch, divergence."""
