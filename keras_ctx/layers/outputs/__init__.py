"""What stands on an encoder: mixes, pooling, softmax, CRF."""
