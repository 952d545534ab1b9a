"""The bidirectional language model of ELMo, and the loops it runs in."""
