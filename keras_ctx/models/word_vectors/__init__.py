"""Static word vectors: the encoder of one layer."""
