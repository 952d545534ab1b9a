"""The start of a BERT's pretraining: weights and text inputs."""
