"""Files of semantic roles: readers of JSON lines and CoNLL columns."""
