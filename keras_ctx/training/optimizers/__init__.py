"""Optimizers as the papers set them, schedules, layer rates."""
