"""Labelled texts and words to batches with loss weights."""
