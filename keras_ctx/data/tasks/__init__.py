"""Batches of labelled texts and words, with loss weights."""
