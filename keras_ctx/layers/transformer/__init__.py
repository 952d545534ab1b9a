"""The layers of BERT: embeddings, and blocks of self-attention."""
