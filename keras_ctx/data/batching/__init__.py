"""Which rows make a batch: order, length, sharding, weights."""
