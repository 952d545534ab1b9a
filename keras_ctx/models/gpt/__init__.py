"""GPT and GPT-2: encoders that read a text from left to right."""
