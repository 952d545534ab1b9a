"""Heads that a checkpoint has, as task models of ours."""
