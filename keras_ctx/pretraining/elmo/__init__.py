"""The start of an ELMo's pretraining: weights and words."""
