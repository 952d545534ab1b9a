"""ELMo: its encoders, language models and views."""
