"""ELMo's pretraining examples: sentences or streams, in both directions."""
