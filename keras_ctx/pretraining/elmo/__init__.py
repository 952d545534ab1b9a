"""What an ELMo begins its training with."""
