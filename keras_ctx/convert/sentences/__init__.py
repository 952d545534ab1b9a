"""Folders of sentence-transformers: modules, pooling, dense layers."""
