"""BERT: its encoder, its pretraining model, its published sizes."""
