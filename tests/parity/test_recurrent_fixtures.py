"""The stored outputs of PyTorch's AWD-LSTM and MT-LSTM."""

from pathlib import Path

import numpy as np
import pytest

from keras_ctx import models
from keras_ctx.convert import load_awd_lstm_language_model, load_cove

FOLDER = Path(__file__).resolve().parents[3] / "shared/fixtures/awd_lstm"
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"PyTorch's outputs are not at {FOLDER}"
)


def close(found, expected) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["awd_fastai1", "awd_fastai2"])
def test_awd_lstm(name: str) -> None:
    expected = np.load(FOLDER / "awd_expected.npz")
    model = load_awd_lstm_language_model(FOLDER / f"{name}.safetensors")
    ids = expected["ids"]
    features = {"token_ids": ids, "padding_mask": np.ones(ids.shape, bool)}
    close(model(features)["next_token"], expected["logits"])
    layers = models.encoder_of(model)(features)["layers"]
    for k in range(2):
        stored = expected[f"layer_{k}"]
        close(layers[k + 1][..., : stored.shape[-1]], stored)
    parts = [
        {key: x[:, part] for key, x in features.items()}
        for part in (slice(0, 5), slice(5, 9))
    ]
    close(model(parts[1])["next_token"], expected["logits_from_5_fresh"])
    stream = models.awd_lstm_stream_model(model, len(ids))
    found = [stream(part)["next_token"] for part in parts]
    close(np.concatenate(found, axis=1), expected["logits"])
    for k in range(2):
        h, c = stream.get_layer(f"stream_lstm_{k}").states
        close(h, expected[f"last_h_{k}"])
        close(c, expected[f"last_c_{k}"])


def test_cove() -> None:
    expected = np.load(FOLDER / "cove_expected.npz")
    inputs, lengths = expected["inputs"], expected["lengths"]
    rows, steps, features = inputs.shape
    # Each token is a word of its own.
    ids = 1 + np.arange(rows * steps).reshape(rows, steps)
    ids *= np.arange(steps) < lengths[:, None]
    encoder = load_cove(
        FOLDER / "cove.safetensors",
        inputs.reshape(-1, features),
        layer0=True,
        residual_embeddings=True,
    )
    outputs = encoder({"word_ids": ids})
    stored = [expected["layer_0"], expected["layer_1"]]
    for ours, theirs in zip(outputs["layers"][1:], stored, strict=True):
        close(ours, theirs)
    close(outputs["sequence"], np.concatenate([inputs, *stored], axis=-1))
