"""BERT's checkpoints: Hugging Face, Google, KerasHub, Model Garden."""
