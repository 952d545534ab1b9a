"""The bricks of BERT: embeddings, and blocks of self-attention."""
