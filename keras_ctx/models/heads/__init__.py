"""Task models on any encoder: classifier, tagger, span extractor, embedder."""
