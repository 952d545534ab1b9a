"""Reads published tokenizer files for our text inputs."""
