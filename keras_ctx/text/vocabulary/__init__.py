"""Reads, writes and learns vocabularies; finds added tokens in texts."""
