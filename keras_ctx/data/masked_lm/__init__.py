"""BERT's pretraining examples: text pairs with masked positions."""
