"""Tagged words: CoNLL and JSON, read in any layout."""
