"""ULMFiT from a corpus: pretrained, continued, resumed, fine-tuned."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from recipe_files import load_recipe

import keras_ctx
from keras_ctx import convert, models, training

CORPUS = "\n\n".join(["The cat sat on the mat\nand the dog ran!!!"] * 60) + "\n"
HELD_OUT = "the cat ran\n\nThe dog sat on the mat\n"


def pretrain(folder: Path, output: Path, **changes) -> dict[str, Any]:
    recipe = load_recipe("pretrain_ulmfit")
    config = recipe.Config(
        **{
            "corpus": folder / "corpus.txt",
            "output": output,
            "split": "words",
            "embedding_dim": 24,
            "hidden_dim": 32,
            "num_layers": 2,
            "bptt": 12,
            "batch_size": 8,
            "drop_mult": 0.0,
            "epochs": 2,
            "steps_per_epoch": 120,
            "learning_rate": 2e-2,
            **changes,
        }
    )
    return recipe.main(config)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a run on a corpus that it soon knows by heart."""
    folder = tmp_path_factory.mktemp("ulmfit")
    (folder / "corpus.txt").write_text(CORPUS)
    (folder / "held_out.txt").write_text(HELD_OUT)
    pretrain(folder, folder / "run", held_out=folder / "held_out.txt")
    return folder / "run"


def perplexity_by_hand(run: Path, texts: Sequence[str]) -> tuple[float, int]:
    """Returns the nats and the tokens of texts between `xxbos`, one by one."""
    model = keras.saving.load_model(run / "language_model.keras")
    inputs: Any = convert.load_text_inputs(run)
    nats, count = 0.0, 0
    for x in texts:
        ids = [inputs.begin_id, *inputs.encode([x]).to_list()[0]]
        features = {
            "token_ids": np.array([ids]),
            "padding_mask": np.ones((1, len(ids)), bool),
        }
        logits = np.asarray(model(features)["next_token"], "float64")[0]
        logits -= np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        targets = [*ids[1:], inputs.begin_id]
        nats -= logits[np.arange(len(ids)), targets].sum()
        count += len(ids)
    return nats, count


def test_files_and_figures(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert {
        *("encoder.keras", "language_model.keras", "text_inputs.json"),
        *("results.json", "metrics.jsonl"),
    } <= names
    assert "tokens.bin" not in names and "checkpoints" not in names
    inputs: Any = convert.load_text_inputs(run)
    assert set(inputs.vocabulary[9:]) == {
        *"the cat sat on mat and dog ran 3 !".split()
    }
    results = json.loads((run / "results.json").read_text())["results"]
    # 19 for equal tokens; without the penalties, which are in the loss.
    assert results["token_perplexity"] < 1.2
    assert math.log(results["token_perplexity"]) == pytest.approx(
        results["token_loss"], rel=1e-5
    )
    assert results["loss"] > results["token_loss"]
    nats, count = perplexity_by_hand(run, HELD_OUT.strip().split("\n\n"))
    assert (results["val_num_tokens"], results["val_num_words"]) == (12, 9)
    assert count == 12
    for name, number in (("token", 12), ("word", 9)):
        expected = math.exp(nats / number)
        found = results[f"val_{name}_perplexity"]
        assert found == pytest.approx(expected, rel=1e-4)  # of float32
    lines = (run / "metrics.jsonl").read_text().splitlines()
    assert sum("val_token_perplexity" in x for x in lines) == 2  # epochs


def test_the_run_is_an_encoder(run: Path) -> None:
    encoder = convert.load_encoder(run)
    inputs = convert.load_text_inputs(run)
    convert.check_text_inputs(inputs, encoder, run)
    assert models.family_of(encoder).name == "awd_lstm"
    found = encoder(inputs(["The cat", "on the mat"]))
    assert found["pooled"].shape == (2, 24)
    # The stream's states are not in the files.
    assert not any("state" in x.path for x in encoder.weights)


@pytest.mark.slow
def test_a_run_continues_from_another(run: Path, tmp_path: Path) -> None:
    text = CORPUS.replace("cat", "fox")
    (tmp_path / "corpus.txt").write_text(text)
    (tmp_path / "held_out.txt").write_text(text)
    still = {"learning_rate": 1e-9, "epochs": 1, "steps_per_epoch": 10}
    options: dict[str, Any] = {
        "init": run,
        "held_out": tmp_path / "held_out.txt",
    }
    options["drop_mult"] = 1.0
    found = pretrain(tmp_path, tmp_path / "still", **options, **still)
    # Only the fox is new.
    before = found["val_token_perplexity"]
    assert before < 3  # 19 for equal tokens
    model = keras.saving.load_model(tmp_path / "still" / "language_model.keras")
    assert model.get_layer("lstm_1").weight_dropout == 0.2
    old, new = (
        keras.saving.load_model(x / "language_model.keras")
        for x in (run, tmp_path / "still")
    )
    tokens = [
        convert.load_text_inputs(x).vocabulary
        for x in (run, tmp_path / "still")
    ]
    rows = [x.get_layer("embeddings").get_weights()[0] for x in (old, new)]
    for token in tokens[1]:
        row = rows[1][tokens[1].index(token)]
        if token == "fox":
            np.testing.assert_allclose(row, rows[0].mean(axis=0), atol=1e-6)
        else:
            known = rows[0][tokens[0].index(token)]
            np.testing.assert_allclose(row, known, atol=1e-6)
    options["drop_mult"] = 0.0
    factors = (1 / 2, 1 / 6, 1, 1 / 2)  # of two LSTMs
    found = pretrain(
        tmp_path, tmp_path / "run", **options, layer_factors=factors, epochs=1
    )
    assert found["val_token_perplexity"] < 0.9 * before
    with pytest.raises(ValueError, match="`direction` must be that of `init`"):
        pretrain(tmp_path, tmp_path / "b", init=run, direction="backward")
    with pytest.raises(ValueError, match="`factors` must hold 4 numbers"):
        pretrain(tmp_path, tmp_path / "b", init=run, layer_factors=(1.0,))
    with pytest.raises(ValueError, match="`split` must be that of `init`"):
        pretrain(tmp_path, tmp_path / "b", init=run, split="character")
    assert not (tmp_path / "b").exists()


@pytest.mark.slow
def test_backward(tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_text(CORPUS)
    found = pretrain(tmp_path, tmp_path / "run", direction="backward")
    assert found["token_perplexity"] < 1.3
    # It knows what stands before a word, not behind it.
    nats, count = perplexity_by_hand(
        tmp_path / "run", ["The cat sat on the mat\nand the dog ran!!!"]
    )
    assert math.exp(nats / count) < 1.3


class Killed(Exception):
    pass


class KillAt(keras.callbacks.Callback):
    """Ends a process behind a step, as a kill does, without a checkpoint."""

    def __init__(self, step: int):
        super().__init__()
        self.step = step

    def on_train_batch_begin(self, batch, logs=None):
        if int(self.model.optimizer.iterations) == self.step:
            raise Killed


@pytest.mark.slow
def test_a_killed_run_ends_as_a_whole_one(tmp_path: Path, monkeypatch) -> None:
    """States, dropout, windows of drawn lengths: the weights are equal."""
    (tmp_path / "corpus.txt").write_text(CORPUS)
    options = {
        "drop_mult": 1.0,
        "steps_per_epoch": 20,
        "checkpoint_steps": 7,
        "reset_steps": 12,
    }
    pretrain(tmp_path, tmp_path / "whole", **options)
    original = training.run_callbacks
    # Inside the first epoch, behind a reset of the second, between epochs.
    for step, resumes in ((17, 14), (38, 34)):

        def with_kill(folder, *args, last=step, **settings):
            callbacks = [*settings.pop("callbacks"), KillAt(last)]
            return original(folder, *args, callbacks=callbacks, **settings)

        with monkeypatch.context() as patched:
            patched.setattr(training, "run_callbacks", with_kill)
            with pytest.raises(Killed):
                pretrain(tmp_path, tmp_path / "killed", **options)
        assert training.completed_steps(tmp_path / "killed") == resumes
    pretrain(tmp_path, tmp_path / "killed", **options)
    weights = [
        keras.saving.load_model(
            tmp_path / name / "language_model.keras"
        ).get_weights()
        for name in ("whole", "killed")
    ]
    for first, second in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, second)


REFUSALS = [
    ({"records": Path("records")}, "`records` must not be given"),
    ({"drop_mult": 4.0}, "`drop_mult` must be at least 0 and below 4"),
    ({"strategy": "mirrored"}, '`strategy` must be "one_device"'),
    ({"vocabulary_size": 9}, "`vocabulary_size` must be at least 10"),
    ({"bptt": 4}, "`bptt` must be at least 5"),
    ({"layer_decay": 2.0}, "`layer_decay` must be above 0"),
    ({"layer_factors": (1.0, 1.0)}, "`layer_factors` needs `init`"),
    (
        {"layer_factors": (1.0,), "layer_decay": 0.5, "init": Path("none")},
        "Give `layer_factors` or `layer_decay`",
    ),
    ({"init": Path("none")}, "`init` must be the folder of a run"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSALS)
def test_refused_options(tmp_path: Path, changes: dict, message: str) -> None:
    (tmp_path / "corpus.txt").write_text(CORPUS)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        pretrain(tmp_path, tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


def test_a_short_corpus_is_refused(tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_text("ab\n")
    with pytest.raises(
        ValueError, match="`corpus` must have .* = 104 tokens or more. .* 2 tok"
    ):
        pretrain(tmp_path, tmp_path / "run")


@pytest.mark.slow
def test_a_classifier_on_it(run: Path, tmp_path: Path) -> None:
    """The whole way of ULMFiT, to a server that reads texts."""
    rows = [
        f"{start} {animal} {verb}{end}\t{animal}\n"
        for start in ("The", "the", "and the")
        for animal in ("cat", "dog")
        for verb in ("sat", "ran", "sat on the mat")
        for end in ("", "!!!")
    ]
    (tmp_path / "table.tsv").write_text("".join(rows))
    table = tmp_path / "table.tsv"
    recipe = load_recipe("finetune_classifier")
    config = recipe.Config(
        **{"init": run, "train": table, "test": table},
        **{"ulmfit": "scripts", "bptt": 4, "num_windows": 2},
        output=tmp_path / "run",
        ulmfit_without=("drop_mult",),  # it has hardly any features to drop
        seeds=(1, 2),
        compare=False,
        batch_size=6,
        epochs=8,
        learning_rate=1e-2,
    )
    results = recipe.main(config)
    assert results["pretrained"] > 0.9
    model = keras_ctx.load(tmp_path / "run")
    texts = ["The cat ran", "the dog &amp; the mat!!!", ""]
    expected = model.predict(texts)
    served = keras_ctx.load(model.export(tmp_path / "served"))
    for first, second in zip(expected, served.predict(texts), strict=True):
        assert first.label == second.label
        assert first.score == pytest.approx(second.score, abs=1e-5)
    average(tmp_path)


def average(folder: Path) -> None:
    """Checks the mean of both seeds beside their predictions."""
    runs = [folder / "run/pretrained" / f"seed_{k}" for k in (1, 2)]
    recipe = load_recipe("average_classifiers")
    config = recipe.Config(
        models=tuple(runs), test=folder / "table.tsv", output=folder / "both"
    )
    results = recipe.main(config)
    means, logits = [], []
    for path in (*runs, folder / "both"):
        lines = (path / "predictions.tsv").read_text().splitlines()[1:]
        logits.append(np.array([x.split("\t")[2:] for x in lines], "float64"))
    for x in logits:
        x = np.exp(x)
        means.append(x / x.sum(axis=1, keepdims=True))
    # Of four digits behind the point.
    np.testing.assert_allclose(means[2], (means[0] + means[1]) / 2, atol=2e-4)
    assert len(means[2]) == results["num_test"] == 36
    assert set(results["models"]) == set(map(str, runs))
    other = {"models": (runs[0],), "output": folder / "one"}
    with pytest.raises(ValueError, match="`folders` must be two or more"):
        recipe.main(recipe.Config(test=folder / "table.tsv", **other))
