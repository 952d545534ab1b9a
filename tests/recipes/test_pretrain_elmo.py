"""Warm restarts and held-out texts of `pretrain_elmo`."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from recipe_files import load_recipe

from keras_ctx import models, text, training
from keras_ctx.convert import save_elmo

SIZES = {
    "filters": ((1, 8), (2, 8)),
    "hidden_dim": 16,
    "projection_dim": 8,
    "num_negatives": 5,
    "batch_size": 4,
    "window_size": 8,
    "epochs": 2,
    "steps_per_epoch": 5,
}
# Too small to change weights by more than rounding.
STILL = {"learning_rate": 1e-9, "epochs": 1, "steps_per_epoch": 1}


@pytest.fixture
def held_out(tmp_path: Path) -> Path:
    path = tmp_path / "held_out.txt"
    path.write_text("这棵树太差。\n河岸很好\n", encoding="utf-8")
    return path


def run(output: Path, **options) -> dict[str, Any]:
    recipe = load_recipe("pretrain_elmo")
    return recipe.main(recipe.Config(output=output, **{**SIZES, **options}))


@pytest.mark.slow
def test_held_out_perplexity_is_among_the_figures(
    tmp_path: Path, corpus: Path, held_out: Path
) -> None:
    results = run(
        tmp_path / "run",
        corpus=corpus,
        held_out=held_out,
        optimizer="adagrad",
        learning_rate=0.2,
        epochs=3,
    )
    lines = training.read_metrics(tmp_path / "run")
    rows = [line for line in lines if "epoch" in line]
    written = json.loads((tmp_path / "run" / "results.json").read_text("utf-8"))
    figures = [row["val_perplexity"] for row in rows]
    assert len(figures) == 3
    assert figures[2] < figures[0]
    for found in (results, written["results"]):
        assert found["val_perplexity"] == pytest.approx(figures[-1])
        assert found["val_perplexity"] ** 2 == pytest.approx(
            found["val_forward_perplexity"] * found["val_backward_perplexity"]
        )
    # By hand, from the two saved models.
    vocabulary = text.load_vocabulary(tmp_path / "run" / "words.txt")
    model = keras.saving.load_model(tmp_path / "run" / "language_model.keras")
    nats = []
    for line in held_out.read_text("utf-8").split():
        ids = [vocabulary.index(c) if c in vocabulary else 2 for c in line]
        inputs = text.load_inputs(tmp_path / "run" / "text_inputs.json")
        nll = model(
            {
                **{key: value.numpy() for key, value in inputs([line]).items()},
                "forward_targets": np.array([[*ids, 1]]),
                "backward_targets": np.array([[0, *ids]]),
            }
        )
        nats += [*np.ravel(nll["forward"]), *np.ravel(nll["backward"])]
    # float32, summed in other batches
    expected = np.exp(np.mean(nats))
    assert results["val_perplexity"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_adagrads_loss_is_that_of_a_window(
    tmp_path: Path, corpus: Path
) -> None:
    results = run(tmp_path, corpus=corpus, optimizer="adagrad", **STILL)
    of_both = results["forward_loss"] + results["backward_loss"]
    assert results["loss"] == pytest.approx(0.5 * 8 * of_both, rel=1e-5)
    results = run(tmp_path / "adam", corpus=corpus, **STILL)
    of_both = results["forward_loss"] + results["backward_loss"]
    assert results["loss"] == pytest.approx(0.5 * of_both, rel=1e-5)


@pytest.mark.slow
def test_init_goes_on_where_the_run_before_was(
    tmp_path: Path, corpus: Path, held_out: Path
) -> None:
    first, second, new = (tmp_path / name for name in ("1", "2", "3"))
    before = run(
        first, corpus=corpus, held_out=held_out, learning_rate=0.05, epochs=4
    )
    # Another corpus, with other words.
    other = tmp_path / "other.txt"
    other.write_text("新的书在银行里。\n" * 9, encoding="utf-8")
    arguments = {"corpus": other, "held_out": held_out, **STILL}
    after = run(second, init=first, filters=((1, 3),), **arguments)
    assert (second / "words.txt").read_bytes() == (
        first / "words.txt"
    ).read_bytes()
    for name in ("encoder.keras", "language_model.keras"):
        weights = [
            keras.saving.load_model(folder / name).get_weights()
            for folder in (first, second)
        ]
        for old, now in zip(*weights, strict=True):
            np.testing.assert_allclose(now, old, rtol=0, atol=1e-6)
    key = "val_perplexity"
    # float32 over a text of other batches.
    assert after[key] == pytest.approx(before[key], rel=1e-4)
    scratch = run(new, **arguments)
    assert scratch[key] != pytest.approx(before[key], rel=0.05)
    assert (new / "words.txt").read_text("utf-8") != (
        first / "words.txt"
    ).read_text("utf-8")


@pytest.mark.slow
def test_official_files_go_on_with_a_new_softmax(
    tmp_path: Path, corpus: Path
) -> None:
    encoder = models.elmo_encoder(
        [(1, 4), (3, 5)],
        12,
        6,
        num_layers=1,
        num_highways=2,
        max_characters=9,
        activation="tanh",
    )
    characters = encoder.get_layer("char_cnn").char_embedding.embeddings
    table = np.array(characters)
    table[0] = 0  # for "no token"; files lack it
    characters.assign(table)
    files = tmp_path / "options.json", tmp_path / "weights.hdf5"
    save_elmo(encoder, *files)
    run(
        tmp_path / "run",
        corpus=corpus,
        init_options=files[0],
        init_weights=files[1],
        **STILL,
    )
    found = keras.saving.load_model(tmp_path / "run" / "encoder.keras")
    assert len(found.output["layers"]) == 2
    for old, now in zip(
        encoder.get_weights(), found.get_weights(), strict=True
    ):
        # Adam's first step is the rate in each weight.
        np.testing.assert_allclose(now, old, rtol=0, atol=1e-6)
    inputs = text.load_inputs(tmp_path / "run" / "text_inputs.json")
    assert isinstance(inputs, text.ElmoInputs)
    assert inputs.max_characters == 9 and not inputs.distinct
    vocabulary = text.load_vocabulary(tmp_path / "run" / "words.txt")
    model = keras.saving.load_model(tmp_path / "run" / "language_model.keras")
    assert model.get_layer("softmax").kernel.shape == (len(vocabulary), 6)


@pytest.mark.slow
def test_warm_start(tmp_path: Path, corpus: Path) -> None:
    run(tmp_path / "cold", corpus=corpus, **STILL)
    run(tmp_path / "warm", corpus=corpus, warm_start=50, **STILL)
    cold, warm = (
        keras.saving.load_model(tmp_path / name / "encoder.keras")
        for name in ("cold", "warm")
    )
    inputs = text.load_inputs(tmp_path / "cold" / "text_inputs.json")
    lines = [line for line in corpus.read_text("utf-8").split("\n") if line]
    batches = [inputs(lines[k : k + 6]) for k in range(0, 50, 6)]
    batches[-1] = inputs(lines[48:50])
    by_hand = models.warm_start(cold, batches)
    for found, state in zip(
        warm.get_layer("bilm").initial_states,
        by_hand.get_layer("bilm").initial_states,
        strict=True,
    ):
        for one, other in zip(found, state, strict=True):
            assert np.any(np.asarray(one) != 0)
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    # Further training still starts from zeros.
    run(tmp_path / "on", corpus=corpus, init=tmp_path / "warm", **STILL)


def test_warm_start_is_refused_before_the_training(tmp_path: Path) -> None:
    corpus = tmp_path / "one.txt"
    corpus.write_text("很好\n\n", encoding="utf-8")
    with pytest.raises(ValueError, match="must hold at least two sentences"):
        run(tmp_path / "run", corpus=corpus, warm_start=9, **STILL)
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"init_options": Path("o")}, "`init_options` and `init_weights` must"),
        ({"init_weights": Path("w")}, "`init_options` and `init_weights` must"),
        (
            {
                "init": Path("run"),
                "init_options": Path("o"),
                "init_weights": Path("w"),
            },
            "`init` and `init_options` must not be given together",
        ),
        ({"warm_start": 0}, "`warm_start` must be at least 1"),
        (
            {"strategy": "mirrored", "reset_steps": None},
            "`reset_steps` must be given with several devices",
        ),
    ],
)
def test_error(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_recipe("pretrain_elmo").Config(**options)


@pytest.mark.parametrize("content", [b"\n \n", b"the bank\n\xff\n"])
def test_a_held_out_text_is_read_before_the_training(
    content: bytes, tmp_path: Path
) -> None:
    recipe = load_recipe("pretrain_elmo")
    corpus, held_out = tmp_path / "corpus.txt", tmp_path / "held_out.txt"
    corpus.write_text("the bank\n" * 9)
    held_out.write_bytes(content)
    config = recipe.Config(
        corpus=corpus, held_out=held_out, output=tmp_path / "run"
    )
    with pytest.raises(ValueError, match=r"held_out\.txt, line"):
        recipe.main(config)
    assert not (tmp_path / "run").exists()
