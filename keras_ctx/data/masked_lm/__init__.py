"""BERT's pretraining examples: pairs of sentences, masked positions."""
