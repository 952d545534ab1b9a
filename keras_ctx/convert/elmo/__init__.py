"""Loads and saves ELMo's weights and options, as used by allennlp."""
