"""Questions in SQuAD's format: reading, windows, and answers."""
