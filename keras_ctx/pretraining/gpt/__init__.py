"""The start of a GPT's pretraining: options, text inputs, tokens."""
