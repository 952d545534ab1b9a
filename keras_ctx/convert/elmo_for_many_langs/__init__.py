"""Loads models of ELMoForManyLangs."""
