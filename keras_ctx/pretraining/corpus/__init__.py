"""How a corpus becomes the records that are learned from."""
