"""ELMo's pretraining examples: sentences or streams, both ways."""
