"""A mask of the wrong rank would broadcast to wrong results."""

import numpy as np
import pytest

from keras_ctx import layers

X = np.ones((2, 3, 4), "float32")
CALLS = {
    "BiLM": (layers.BiLM(4, 4), X),
    "CRF": (layers.CRF(4), X),
    "MaskedMean": (layers.MaskedMean(), X),
    "ScalarMix": (layers.ScalarMix(2, layer_norm=True), [X, X]),
    "StripSentenceMarkers": (layers.StripSentenceMarkers(), X),
    "TransformerEncoderBlock": (layers.TransformerEncoderBlock(2, 8), X),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("shape", [(2, 3, 1), (3,)])
def test_error(name: str, shape: tuple) -> None:
    layer, inputs = CALLS[name]
    message = r"`padding_mask` must have 2 axes\. Received: shape="
    with pytest.raises(ValueError, match=message):
        layer(inputs, padding_mask=np.ones(shape, bool))
