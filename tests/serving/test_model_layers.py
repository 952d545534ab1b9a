"""Finding layers at every depth, and tracing LSTMs."""

import keras
import pytest

from keras_ctx import models
from keras_ctx.serving.signatures.sublayers import all_layers, without_cudnn


def tagger() -> keras.Model:
    encoder = models.bert_encoder(5, 1, 1, 4, 8, 8)
    return models.tagger(encoder, 2, lstm_dim=4, lstm_layers=1)


def test_layers_in_layers() -> None:
    kinds = [type(layer).__name__ for layer in all_layers(tagger())]
    assert kinds.count("Bidirectional") == 1 and kinds.count("LSTM") == 2
    # In an encoder, in a block, in its attention.
    assert "EinsumDense" in kinds


def test_without_cudnn() -> None:
    model = tagger()
    lstms = [x for x in all_layers(model) if isinstance(x, keras.layers.LSTM)]
    assert len(lstms) == 2
    before = [layer.use_cudnn for layer in lstms]
    with pytest.raises(KeyboardInterrupt), without_cudnn(model):
        assert [layer.use_cudnn for layer in lstms] == [False] * 2
        raise KeyboardInterrupt
    assert [layer.use_cudnn for layer in lstms] == before
