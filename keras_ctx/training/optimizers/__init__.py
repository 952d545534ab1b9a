"""Optimizers with the papers' settings, schedules, layer rates."""
