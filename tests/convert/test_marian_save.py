"""Translators saved as Marian's: the same arrays, or a refusal."""

import json
from typing import Any

import numpy as np
import pytest
from contracts.random_weights import randomized
from safetensors.numpy import load_file
from test_translators_load import (
    SOURCE,
    TARGET,
    V,
    marian_arrays,
    marian_config,
    of,
    write_marian,
)

from keras_ctx import models
from keras_ctx.convert import load_marian, marian_ids, save_marian

IDS = {"start_id": V - 1, "end_id": 0, "pad_id": V - 1}


def translator(output_bias: bool = False, **changes: Any) -> Any:
    decoder = {
        key.removeprefix("decoder_"): changes.pop(key)
        for key in list(changes)
        if key.startswith("decoder_")
    }
    arguments = {
        **{"max_length": 16, "layer_norm_epsilon": 1e-5},
        **{"positions": "halves", **changes},
    }
    encoder = models.transformer_encoder(V, 1, 2, 8, 12, **arguments)
    return models.encoder_decoder(encoder, output_bias=output_bias, **decoder)


def test_loaded_and_saved_files_are_equal(tmp_path) -> None:
    arrays = marian_arrays()
    settings = marian_config(dropout=0.2, attention_dropout=0.3)
    folder = write_marian(tmp_path / "in", arrays, settings)
    model = load_marian(folder)
    out = tmp_path / "out"
    save_marian(model, out, **IDS)
    saved = load_file(out / "model.safetensors")
    assert set(saved) == set(arrays)
    for name, x in arrays.items():
        np.testing.assert_array_equal(saved[name], x)
    written = json.loads((out / "config.json").read_text())
    assert settings.items() <= written.items()
    assert marian_ids(out) == IDS
    np.testing.assert_array_equal(
        of(load_marian(out), SOURCE, TARGET), of(model, SOURCE, TARGET)
    )


def test_our_own_model(tmp_path) -> None:
    """Other sizes of the decoder, no bias of the logits, no scale."""
    model = randomized(
        translator(
            scale=False,
            activation="gelu_tanh",
            decoder_num_layers=2,
            decoder_num_heads=4,
            decoder_intermediate_dim=10,
        )
    )
    save_marian(model, tmp_path, **IDS)
    saved = load_file(tmp_path / "model.safetensors")
    assert not saved["final_logits_bias"].any()
    np.testing.assert_array_equal(
        of(load_marian(tmp_path), SOURCE, TARGET), of(model, SOURCE, TARGET)
    )


MODELS = [
    ({"positions": "interleaved"}, 'positions=.*: they must be "halves"'),
    ({"positions": "learned"}, "positions='learned': they must"),
    ({"norm_first": True}, "norm_first=True in block_0: it must be False"),
    (
        {"layer_norm_epsilon": 1e-6},
        "epsilon=1e-06 in block_0: it must be 1e-05",
    ),
    ({"attention_bias": False}, "attention_bias=False in decoder_block_0"),
    ({"decoder_vocabulary_size": V}, "a table of the decoder's own"),
    (
        {"decoder_activation": "gelu"},
        "activation=gelu in decoder_block_0: .*relu",
    ),
    ({"decoder_dropout": 0.3}, "dropout=0.3 in decoder_block_0: .* be 0.1"),
]


@pytest.mark.parametrize(("changes", "message"), MODELS)
def test_what_marian_does_not_have(tmp_path, changes, message) -> None:
    with pytest.raises(ValueError, match=f"(?s)form of Marian.*{message}"):
        save_marian(translator(**changes), tmp_path / "out", **IDS)
    assert not (tmp_path / "out").exists()


def test_refusals(tmp_path) -> None:
    encoder = models.transformer_encoder(V, 1, 2, 8, 12, positions="halves")
    for model in (encoder, models.gpt_encoder(V, 1, 2, 8, 12)):
        with pytest.raises(ValueError, match="a model of `encoder_decoder`"):
            save_marian(model, tmp_path, **IDS)
    model = translator()
    for name, value in (("start_id", V), ("end_id", -1), ("pad_id", 1.0)):
        ids: Any = {**IDS, name: value}
        with pytest.raises(ValueError, match=f"`{name}` must be a token"):
            save_marian(model, tmp_path, **ids)
    table = model.get_layer("embeddings").token_embedding.embeddings
    table.assign(np.full((V, 8), np.nan))
    with pytest.raises(ValueError, match="model.shared.weight: 104 of 104"):
        save_marian(model, tmp_path, **IDS)
    assert not list(tmp_path.iterdir())
