"""Reads folders of sentence-transformers: modules, pooling, dense layers."""
