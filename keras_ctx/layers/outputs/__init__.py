"""Layers on an encoder: mixtures, pooling, softmax, CRF."""
