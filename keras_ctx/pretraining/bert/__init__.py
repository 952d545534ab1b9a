"""What a BERT begins its training with."""
