"""Marian translators from Hugging Face and back."""
