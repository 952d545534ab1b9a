"""Weights of ELMoForManyLangs."""
