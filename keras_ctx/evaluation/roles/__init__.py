"""Semantic roles: propositions, their tags, and their scores."""
