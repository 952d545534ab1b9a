"""The signatures of a version: strings in, answers out."""
