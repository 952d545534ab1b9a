"""Kinds of signature outputs, and how to compare them."""
