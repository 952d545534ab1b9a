"""AWD-LSTM from the files of fastai and awd-lstm-lm, beside NumPy."""

import pickle
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from awd_lstm_files import (
    ENCODERS,
    LANGUAGE_MODELS,
    WIDTHS,
    E,
    V,
    classifier,
    encoder_alone,
    fastai1,
    fastai2,
    random_arrays,
    write,
)
from parity.recurrent_numpy import awd_lstm, random_awd_lstm

from keras_ctx import models
from keras_ctx.convert import load_awd_lstm, load_awd_lstm_language_model

IDS = np.array([[3, 12, 0, 7, 7, 11]])
FEATURES = {"token_ids": IDS, "padding_mask": np.ones(IDS.shape, bool)}


def check_layers(encoder: keras.Model, arrays: dict) -> None:
    expected, _ = awd_lstm(arrays, IDS[0])
    found = encoder(FEATURES)["layers"]
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(
            ours[0, :, : theirs.shape[1]], theirs, rtol=0, atol=1e-5
        )


@pytest.mark.parametrize("kind", ENCODERS)
def test_encoder_of_every_kind_of_file(kind: str, tmp_path: Path) -> None:
    arrays = random_arrays()
    path = write(tmp_path / "lm.safetensors", ENCODERS[kind](arrays))
    encoder = load_awd_lstm(path, weight_dropout=0.5, name="mine")
    check_layers(encoder, arrays)
    assert encoder.name == "mine" and len(encoder.trainable_weights) == 10
    assert encoder.get_layer("lstm_2").weight_dropout == 0.5


@pytest.mark.parametrize("kind", LANGUAGE_MODELS)
def test_language_model(kind: str, tmp_path: Path) -> None:
    arrays = random_arrays()
    path = write(tmp_path / "lm.safetensors", LANGUAGE_MODELS[kind](arrays))
    model = load_awd_lstm_language_model(path, output_dropout=0.3)
    expected = awd_lstm(arrays, IDS[0])[0][-1] @ arrays["decoder.weight"].T
    if kind != "fastai 0.7":
        expected = expected + arrays["decoder.bias"]
    np.testing.assert_allclose(
        model(FEATURES)["next_token"][0], expected, rtol=0, atol=1e-5
    )
    check_layers(models.encoder_of(model), arrays)
    assert model.get_layer("output_dropout").rate == 0.3


def test_untied_output(tmp_path: Path) -> None:
    arrays = random_awd_lstm(V, E, (8, 8))
    kernel = np.random.default_rng(1).normal(size=(V, 8)).astype("float32")
    arrays["decoder.weight"] = kernel
    path = write(tmp_path / "lm.safetensors", fastai2(arrays))
    found = load_awd_lstm_language_model(path)(FEATURES)["next_token"]
    expected = awd_lstm(arrays, IDS[0])[0][-1] @ kernel.T
    np.testing.assert_allclose(
        found[0], expected + arrays["decoder.bias"], rtol=0, atol=1e-5
    )


def test_half_precision(tmp_path: Path) -> None:
    halves = {k: x.astype("float16") for k, x in random_arrays().items()}
    path = write(tmp_path / "lm.safetensors", fastai2(halves))
    check_layers(
        load_awd_lstm(path),
        {k: x.astype("float32") for k, x in halves.items()},
    )


def without(name: str) -> Callable[[dict], None]:
    return lambda found: found.pop(name)


def changed(name: str, change: Callable) -> Callable[[dict], None]:
    def run(found: dict) -> None:
        found[name] = change(found[name])

    return run


def with_nan(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.flat[0] = np.nan
    return x


WRONG = [
    (
        without("0.rnns.1.module.weight_ih_l0"),
        r"missing: 0.rnns.1.module.weight_ih_l0 \(32, 8\)",
    ),
    (
        without("0.rnns.2.module.bias_hh_l0"),
        r"missing: 0.rnns.2.module.bias_ih_l0 \+ 0.rnns.2.module.bias_hh_l0"
        r" \(24,\)(.|\n)*not known: 0.rnns.2.module.bias_ih_l0 \(24,\)",
    ),
    (
        # The copy of fastai 1 is no weight.
        without("0.rnns.1.weight_hh_l0_raw"),
        "must have `0.rnns.1.weight_hh_l0_raw`",
    ),
    (
        changed("0.rnns.0.module.weight_ih_l0", lambda x: x[:, 1:]),
        r"other shape: 0.rnns.0.module.weight_ih_l0: .*\(32, 6\), the file"
        r" has \(32, 5\)",
    ),
    (
        changed("1.decoder.bias", lambda x: x[1:]),
        r"other shape: 1.decoder.bias: .*\(13,\), the file has \(12,\)",
    ),
    (
        lambda found: found.update({"0.rnns.0.qrnn": np.ones(3)}),
        r"not known: 0.rnns.0.qrnn \(3,\)",
    ),
    (
        changed("1.decoder.weight", lambda x: x + 1e-6),
        "`1.decoder.weight` must equal `0.encoder.weight`",
    ),
    (
        changed("0.encoder_dp.emb.weight", lambda x: x[::-1]),
        "`0.encoder_dp.emb.weight` must equal `0.encoder.weight`",
    ),
    (
        changed("0.rnns.2.module.bias_hh_l0", with_nan),
        r"bias_ih_l0 \+ 0.rnns.2.module.bias_hh_l0: 1 of 24 are NaN",
    ),
    (
        changed("0.rnns.2.weight_hh_l0_raw", with_nan),
        "0.rnns.2.weight_hh_l0_raw: 1 of 144 are NaN",
    ),
    (without("0.encoder.weight"), "must have the token table"),
    (
        lambda found: found.update(
            {k: x for k, x in fastai2(random_arrays(), "").items()}
        ),
        "must have the token table",
    ),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
@pytest.mark.parametrize("load", [load_awd_lstm, load_awd_lstm_language_model])
def test_arrays_that_do_not_belong_together(
    load, change, message: str, tmp_path: Path
) -> None:
    found = fastai1(random_arrays())
    if "equal" in message or "NaN" in message:
        found = fastai2(random_arrays())
    change(found)
    path = write(tmp_path / "lm.safetensors", found)
    with pytest.raises(ValueError, match=message):
        load(path)


def test_widths_that_no_awd_lstm_has(tmp_path: Path) -> None:
    for widths in ((8, 5, 6), (8, 8, 5), (7, 8, 8)):
        arrays = random_awd_lstm(V, E, widths)
        path = write(tmp_path / "lm.safetensors", encoder_alone(arrays))
        with pytest.raises(ValueError, match=r"of one width.*widths \["):
            load_awd_lstm(path)
    none = {"encoder.weight": arrays["encoder.weight"]}
    with pytest.raises(ValueError, match=r"widths \[\], table 6"):
        load_awd_lstm(write(tmp_path / "lm.safetensors", none))


@pytest.mark.parametrize("kind", [encoder_alone, classifier])
def test_language_model_needs_an_output(kind, tmp_path: Path) -> None:
    path = write(tmp_path / "lm.safetensors", kind(random_arrays()))
    with pytest.raises(ValueError, match="`path` must be a language model"):
        load_awd_lstm_language_model(path)


def test_a_head_beside_a_language_model_is_unknown(tmp_path: Path) -> None:
    found = fastai2(random_arrays()) | {"1.layers.0.weight": np.ones(3)}
    path = write(tmp_path / "lm.safetensors", found)
    with pytest.raises(ValueError, match=r"not known: 1.layers.0.weight"):
        load_awd_lstm(path)


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    ran = tmp_path / "ran"

    class Bomb:
        def __reduce__(self):
            return Path.touch, (ran,)

    for name, content in (
        ("lm.pth", pickle.dumps(Bomb())),
        ("lm.h5", pickle.dumps(Bomb())),
        ("itos.pkl", pickle.dumps(Bomb(), protocol=0)),
        ("lm.safetensors", pickle.dumps(Bomb())),
        ("zip.safetensors", b"PK\x03\x04 as torch.save writes"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"pickle(.|\n)*recurrent.md"):
            load_awd_lstm(path)
    assert not ran.exists()
    with pytest.raises(FileNotFoundError, match="`path` must name a file"):
        load_awd_lstm(tmp_path)


def test_damaged_file(tmp_path: Path) -> None:
    path = write(tmp_path / "lm.safetensors", fastai2(random_arrays()))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ValueError, match="must be whole"):
        load_awd_lstm(path)


def test_sizes_are_those_of_the_arrays(tmp_path: Path) -> None:
    path = write(tmp_path / "lm.safetensors", fastai2(random_arrays()))
    encoder = load_awd_lstm(path)
    widths = [encoder.get_layer(f"lstm_{k}").hidden_dim for k in range(3)]
    assert tuple(widths) == WIDTHS
    embeddings = encoder.get_layer("embeddings")
    assert (embeddings.vocabulary_size, embeddings.hidden_dim) == (V, E)
