"""Words from their characters, and the markers around a sentence."""
