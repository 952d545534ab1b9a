"""The Transformer of tensor2tensor."""
