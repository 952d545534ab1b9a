"""Word-level models, and language models with their softmax."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from official_files import (
    arrays_of,
    content_of,
    read_hdf5,
    write_checkpoint,
    write_hdf5,
    write_options,
)
from parity.elmo_numpy import Options, stacks, token_layer, word_ids
from parity.elmo_variants import BASE

from keras_ctx.convert import load_elmo, load_elmo_language_model, save_elmo

NUM_WORDS = 11
# Lines of a vocabulary file that starts with <S>, </S>, counted from 0.
SENTENCES = [[3, 10, 2, 3, 7], [], [5], [9, 2, 4, 8, 6, 5]]
LENGTH = 7


def word_arrays(options: Options) -> dict[str, np.ndarray]:
    arrays = {
        name: array
        for name, array in arrays_of(options).items()
        if name.startswith("RNN")
    }
    table = np.random.default_rng(5).normal(
        size=(NUM_WORDS, options.projection_dim)
    )
    return {"embedding": table.astype("float32"), **arrays}


def softmax_arrays(options: Options) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(6)
    size = options.projection_dim
    return {
        "softmax/W": generator.normal(size=(NUM_WORDS, size)).astype("float32"),
        "softmax/b": generator.normal(size=NUM_WORDS).astype("float32"),
    }


def word_content(options: Options, **training) -> dict[str, Any]:
    return {"lstm": content_of(options)["lstm"], **training}


def batch_of(sentences: list[list[int]]) -> np.ndarray:
    batch = np.zeros((len(sentences), LENGTH), "int32")
    for row, lines in zip(batch, sentences, strict=True):
        row[: len(lines)] = np.array(lines, int) + 1
    return batch


def marked_layers(arrays, options: Options, lines: list[int]):
    tokens = np.asarray(arrays["embedding"], "float64")[[0, *lines, 1]]
    return [
        np.concatenate([tokens, tokens], axis=1),
        *stacks(arrays, options, tokens),
    ]


@pytest.mark.parametrize("write", [write_hdf5, write_checkpoint])
@pytest.mark.parametrize("dim", [12, 5])
def test_encoder_of_words(write, dim: int, tmp_path: Path) -> None:
    options = replace(BASE, dim=dim)
    arrays = word_arrays(options)
    encoder = load_elmo(
        write_options(tmp_path / "options.json", word_content(options)),
        write(tmp_path / "weights", arrays),
    )
    outputs = encoder({"word_ids": batch_of(SENTENCES)})["layers"]
    assert len(outputs) == 3
    for k, lines in enumerate(SENTENCES):
        expected = marked_layers(arrays, options, lines)
        for ours, theirs in zip(outputs, expected, strict=True):
            np.testing.assert_allclose(
                ours[k, : len(lines)], theirs[1:-1], rtol=0, atol=1e-5
            )
            assert not keras.ops.any(ours[k, len(lines) :])


def test_encoder_of_words_is_written_back(tmp_path: Path) -> None:
    arrays = word_arrays(BASE)
    files = tmp_path / "options.json", tmp_path / "weights.hdf5"
    write_options(files[0], word_content(BASE, n_tokens_vocab=NUM_WORDS))
    write_hdf5(files[1], arrays)
    save_elmo(load_elmo(*files, begin_id=2, end_id=1), *files)
    written = read_hdf5(files[1])
    assert written.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(written[name], array, err_msg=name)
    encoder = load_elmo(*files)
    table = encoder.get_layer("word_embedding").embeddings
    assert table.shape == (NUM_WORDS + 1, BASE.projection_dim)
    assert not keras.ops.any(table[0])


def test_other_markers(tmp_path: Path) -> None:
    arrays = word_arrays(BASE)
    encoder = load_elmo(
        write_options(tmp_path / "options.json", word_content(BASE)),
        write_hdf5(tmp_path / "weights", arrays),
        begin_id=2,
        end_id=1,
    )
    swapped = {**arrays, "embedding": arrays["embedding"].copy()}
    swapped["embedding"][:2] = arrays["embedding"][1::-1]
    theirs = marked_layers(swapped, BASE, [3, 5])[-1]
    ours = encoder({"word_ids": batch_of([[3, 5]])})["sequence"]
    np.testing.assert_allclose(ours[0, :2], theirs[1:-1], rtol=0, atol=1e-5)


def test_vocabulary_of_another_size_is_refused(tmp_path: Path) -> None:
    options_file = write_options(
        tmp_path / "options.json", word_content(BASE, n_tokens_vocab=12)
    )
    weights_file = write_hdf5(tmp_path / "weights", word_arrays(BASE))
    with pytest.raises(
        ValueError,
        match=r"embedding: .* options require \(12, 5\), .*\(11, 5\)",
    ):
        load_elmo(options_file, weights_file)


def test_words_without_a_table_are_refused(tmp_path: Path) -> None:
    arrays = word_arrays(BASE)
    del arrays["embedding"]
    options_file = write_options(tmp_path / "options.json", word_content(BASE))
    with pytest.raises(ValueError, match=r"missing: embedding \("):
        load_elmo(options_file, write_hdf5(tmp_path / "weights", arrays))


def negative_log_likelihood(x, kernel, bias, targets) -> np.ndarray:
    logits = x @ np.asarray(kernel, "float64").T + bias
    total = np.log(np.exp(logits).sum(axis=1))
    return total - logits[np.arange(len(targets)), targets]


def check_scores(model, inputs, tops, kernel, bias) -> None:
    """Checks the nats of every sentence; `tops` include markers."""
    forward, backward = (
        np.zeros((len(SENTENCES), LENGTH + 1), "int32") for _ in range(2)
    )
    for k, lines in enumerate(SENTENCES):
        forward[k, : len(lines) + 1] = [*lines, 1]
        backward[k, : len(lines) + 1] = [0, *lines]
    outputs = model(
        {**inputs, "forward_targets": forward, "backward_targets": backward}
    )
    for k, (lines, top) in enumerate(zip(SENTENCES, tops, strict=True)):
        n, size = len(lines) + 1, top.shape[1] // 2
        for key, x, targets in (
            ("forward", top[:-1, :size], forward),
            ("backward", top[1:, size:], backward),
        ):
            np.testing.assert_allclose(
                outputs[key][k, :n],
                negative_log_likelihood(x, kernel, bias, targets[k, :n]),
                rtol=0,
                atol=2e-5,
            )


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("n_layers", [1, 2])
def test_language_model_of_words(
    shared: bool, n_layers: int, tmp_path: Path
) -> None:
    options = replace(BASE, n_layers=n_layers)
    arrays, softmax = word_arrays(options), softmax_arrays(options)
    if shared:
        del softmax["softmax/W"]
    prefix = write_checkpoint(tmp_path / "model.ckpt-9", {**arrays, **softmax})
    content = word_content(options, dropout=0.1, share_embedding_softmax=shared)
    model = load_elmo_language_model(
        write_options(tmp_path / "options.json", content), prefix
    )
    check_scores(
        model,
        {"word_ids": batch_of(SENTENCES)},
        [marked_layers(arrays, options, lines)[-1] for lines in SENTENCES],
        arrays["embedding"] if shared else softmax["softmax/W"],
        softmax["softmax/b"],
    )
    assert model.get_layer("bilm").dropout == 0.1
    assert model.get_layer("top_dropout").rate == 0.1


def test_language_model_of_characters(tmp_path: Path) -> None:
    arrays, softmax = arrays_of(BASE), softmax_arrays(BASE)
    prefix = write_checkpoint(tmp_path / "model.ckpt-9", {**arrays, **softmax})
    content = {**content_of(BASE), "n_tokens_vocab": NUM_WORDS}
    content["char_cnn"]["n_characters"] = 261
    options_file = write_options(tmp_path / "options.json", content)
    model = load_elmo_language_model(options_file, prefix, num_negatives=3)
    spelled = [[f"w{line}" for line in lines] for lines in SENTENCES]
    char_ids = np.zeros((len(SENTENCES), LENGTH, 9), "int32")
    tops = []
    for k, words in enumerate(spelled):
        ids = [word_ids(word, 9) for word in ["<S>", *words, "</S>"]]
        char_ids[k, : len(words)] = ids[1:-1] or 0
        tokens = token_layer(arrays, BASE, np.array(ids))
        tops.append(stacks(arrays, BASE, tokens)[-1])
    inputs = {
        "char_ids": char_ids,
        "negative_ids": np.zeros((len(SENTENCES), 2, 3), "int32"),
    }
    kernel, bias = softmax["softmax/W"], softmax["softmax/b"]
    check_scores(model, inputs, tops, kernel, bias)
    encoder = load_elmo(options_file, prefix)  # the softmax is skipped
    assert not any("softmax" in v.path for v in encoder.variables)


def test_language_model_needs_the_whole_softmax(tmp_path: Path) -> None:
    options_file = write_options(tmp_path / "options.json", word_content(BASE))
    arrays = {**word_arrays(BASE), **softmax_arrays(BASE)}
    del arrays["softmax/W"]
    arrays["softmax/b"] = arrays["softmax/b"][1:]
    prefix = write_checkpoint(tmp_path / "model.ckpt-9", arrays)
    with pytest.raises(ValueError) as caught:
        load_elmo_language_model(options_file, prefix)
    text = str(caught.value)
    assert f"checkpoint={str(prefix)!r}" in text
    assert "missing: lm/softmax/W (11, 5)" in text
    assert "lm/softmax/b: the options require (11,), the file has (10,)" in text


def test_language_model_needs_a_checkpoint(tmp_path: Path) -> None:
    options_file = write_options(tmp_path / "options.json", word_content(BASE))
    weights_file = write_hdf5(tmp_path / "weights", word_arrays(BASE))
    assert h5py.is_hdf5(weights_file)
    with pytest.raises(ValueError, match="HDF5 file holds no softmax"):
        load_elmo_language_model(options_file, weights_file)
