"""Task models on any encoder: classifier, tagger, spans, embedder."""
