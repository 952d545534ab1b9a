"""Tagged words: readers of CoNLL and JSON in any layout."""
