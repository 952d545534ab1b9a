"""GPT and GPT-2 from other libraries and back."""
