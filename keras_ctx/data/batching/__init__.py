"""Batches of examples: order, length, sharding, weights."""
