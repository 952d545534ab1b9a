"""Reads and checks weights files of any format as arrays by name."""
