"""ELMo: its encoders and language models, and other views of them."""
