"""The Transformer of encoder and decoder, for translation."""
