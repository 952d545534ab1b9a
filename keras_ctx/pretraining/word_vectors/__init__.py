"""What the training of word vectors reads and writes."""
