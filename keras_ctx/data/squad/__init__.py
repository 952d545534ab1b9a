"""Questions in SQuAD's format: read, cut into windows, answered."""
