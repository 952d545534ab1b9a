"""ELMo's weights and options, as allennlp has them."""
