"""Word vectors of a corpus in files, and a cache of word vectors."""
