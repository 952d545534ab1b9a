"""Other people's tokenizer files to our text inputs."""
