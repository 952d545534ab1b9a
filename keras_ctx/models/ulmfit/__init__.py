"""ULMFiT: AWD-LSTM as an encoder, a language model and a stream."""
