"""The start of ULMFiT's pretraining: model, text inputs, held-out text."""
