"""pretrain_bert.py: `--init`, held-out figures and objectives.

test_recipes.py has complete runs, and a kill in the middle.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from contracts.random_weights import randomized
from recipe_files import RECIPES, load_recipe

from keras_ctx import convert, data, models, pretraining, text, training

SIZES = {
    "num_layers": 2,
    "num_heads": 2,
    "hidden_dim": 16,
    "pair_length": 24,
    "batch_size": 4,
    "epochs": 2,
    "steps_per_epoch": 5,
    "held_out_steps": 6,
}
# Too small to change weights by more than rounding.
STILL = {"learning_rate": 1e-9, "epochs": 1, "steps_per_epoch": 1}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture
def held_out(tmp_path: Path) -> Path:
    path = tmp_path / "held_out.txt"
    path.write_text(
        "河岸上有三棵树。\n这本书太差。\n\n他去银行。\n那本很好，\n很好。\n",
        encoding="utf-8",
    )
    return path


def run(output: Path, **options) -> dict[str, Any]:
    recipe = load_recipe("pretrain_bert")
    return recipe.main(recipe.Config(output=output, **{**SIZES, **options}))


def weights(folder: Path, name: str) -> list[np.ndarray]:
    return keras.saving.load_model(folder / f"{name}.keras").get_weights()


def assert_close(found: list, expected: list, atol: float) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=atol)


@pytest.mark.slow
@pytest.mark.parametrize("measuring_changes_nothing", [False, True])
def test_held_out_figures_by_hand(
    measuring_changes_nothing: bool,
    tmp_path: Path,
    corpus: Path,
    held_out: Path,
) -> None:
    common = {"corpus": corpus, "learning_rate": 0.01, "dropout": 0.1}
    results = run(tmp_path / "1", held_out=held_out, seed=3, **common)
    lines = training.read_metrics(tmp_path / "1")
    rows = [line for line in lines if "epoch" in line]
    assert len(rows) == 2
    key = "val_masked_lm_loss"
    assert rows[1][key] == pytest.approx(results[key], rel=1e-6)
    assert results[key] < rows[0][key] < results["before"][key]
    written = json.loads((tmp_path / "1" / "results.json").read_text("utf-8"))
    assert written["results"] == results
    # From the saved model, with pairs and masks of seed 0.
    model = keras.saving.load_model(tmp_path / "1" / "pretrainer.keras")
    assert not model.compiled  # an optimizer would triple the file
    inputs = text.load_inputs(tmp_path / "1" / "text_inputs.json")
    assert isinstance(inputs, text.BertInputs)
    pairs = {"max_length": 24, "padding": "max_length"}
    batches = data.bert_pretraining_dataset(
        held_out,
        text.BertInputs.from_config({**inputs.get_config(), **pairs}),
        batch_size=4,
        steps_per_epoch=6,
        seed=0,
        max_predictions=round(0.15 * 24),
        separator="",
    )
    found: dict[str, list[float]] = {
        f"val_{task}_{figure}": []
        for task in ("masked_lm", "next_sentence")
        for figure in ("loss", "accuracy")
    }
    for features, targets, shares in batches.take(6):
        outputs = model(features)
        for task in ("masked_lm", "next_sentence"):
            logits = np.asarray(outputs[task], "float64")
            share, target = shares[task].numpy(), targets[task].numpy()
            top = logits.max(-1)
            total = top + np.log(np.exp(logits - top[..., None]).sum(-1))
            true = np.take_along_axis(logits, target[..., None], -1)[..., 0]
            loss, right = total - true, logits.argmax(-1) == target
            found[f"val_{task}_loss"].append((share * loss).sum())
            found[f"val_{task}_accuracy"].append((share * right).sum())
    for name, figures in found.items():
        # float32 sums of some hundred terms
        assert results[name] == pytest.approx(np.mean(figures), rel=1e-4)
    if measuring_changes_nothing:
        plain = run(tmp_path / "2", seed=3, **common)
        assert plain["loss"] == results["loss"]
        found_weights = [weights(tmp_path / name, "encoder") for name in "12"]
        assert_close(*found_weights, atol=0)


@pytest.mark.slow
def test_init_goes_on_with_heads_and_tokens(
    tmp_path: Path, corpus: Path, held_out: Path, capsys
) -> None:
    first, second, third = (tmp_path / name for name in ("1", "2", "3"))
    common = {"held_out": held_out}
    before = run(first, corpus=corpus, learning_rate=0.01, **common)
    # Another corpus, with other characters.
    other = tmp_path / "other.txt"
    other.write_text(
        "新的书。\n在银行里。\n\n太好。\n河岸。\n" * 3, encoding="utf-8"
    )
    after = run(
        second, init=first, corpus=other, num_layers=7, **STILL, **common
    )
    inputs = [(folder / "text_inputs.json") for folder in (first, second)]
    assert inputs[0].read_bytes() == inputs[1].read_bytes()
    for name in ("encoder", "pretrainer"):
        assert_close(weights(second, name), weights(first, name), 1e-6)
    # float32, and after it one step of a rate of 1e-9
    for key in ("val_masked_lm_loss", "val_next_sentence_loss"):
        assert after["before"][key] == pytest.approx(before[key], rel=1e-5)
        assert after[key] == pytest.approx(before[key], rel=1e-4)
    assert "start from random" not in capsys.readouterr().out
    # A run of before there was pretrainer.keras.
    (first / "pretrainer.keras").unlink()
    new = run(third, init=first, corpus=other, **STILL, **common)
    assert "Both heads start from random weights" in capsys.readouterr().out
    assert_close(weights(third, "encoder"), weights(first, "encoder"), 1e-6)
    key = "val_masked_lm_loss"
    assert new["before"][key] != pytest.approx(before[key], rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    "heads", [True, pytest.param(False, marks=pytest.mark.slow)]
)
def test_init_from_a_foreign_checkpoint(
    heads: bool, tmp_path: Path, corpus: Path, capsys
) -> None:
    tokens = [*SPECIAL, *"河岸上有棵树银行元钱书很好太差三。", "Abc", "##d"]
    encoder = randomized(
        models.bert_encoder(len(tokens), 2, 2, 8, 12, max_length=30)
    )
    model = models.bert_pretrainer(encoder)
    convert.save_bert(
        model if heads else encoder,
        tmp_path / "checkpoint",
        vocabulary=tokens,
        lower_case=False,
    )
    arguments = {"init": tmp_path / "checkpoint", "corpus": corpus, **STILL}
    run(tmp_path / "run", **arguments)
    said = capsys.readouterr().out
    assert ("Both heads start from random weights" in said) == (not heads)
    assert_close(
        weights(tmp_path / "run", "encoder"), encoder.get_weights(), 1e-6
    )
    if heads:
        found = weights(tmp_path / "run", "pretrainer")
        assert_close(found, model.get_weights(), 1e-6)
    inputs = text.load_inputs(tmp_path / "run" / "text_inputs.json")
    assert isinstance(inputs, text.BertInputs)
    assert list(inputs.vocabulary) == tokens
    assert (inputs.max_length, inputs.split) == (30, "wordpiece")
    assert not inputs.lower_case
    recipe = load_recipe("pretrain_bert")
    config = recipe.Config(**{**SIZES, **arguments, "lower_case": True})
    folded = pretraining.bert_text_inputs(config)
    assert isinstance(folded, text.BertInputs)
    assert folded.lower_case
    with pytest.raises(ValueError, match="`pair_length` must be at most 30"):
        run(tmp_path / "long", **{**arguments, "pair_length": 31})
    with pytest.raises(FileNotFoundError):
        run(tmp_path / "none", **{**arguments, "init": tmp_path / "nothing"})


@pytest.mark.slow
def test_all_batches_make_one_update(tmp_path: Path, corpus: Path) -> None:
    """All losses are of the initial weights, which then change."""
    once = run(
        tmp_path / "once",
        corpus=corpus,
        gradient_accumulation_steps=10,
        learning_rate=0.1,
    )
    never = run(tmp_path / "never", corpus=corpus, learning_rate=1e-9)
    for name in ("loss", "masked_lm_loss", "next_sentence_loss"):
        assert once[name] == pytest.approx(never[name], abs=1e-5)
    ours, theirs = (
        weights(tmp_path / name, "encoder") for name in ("once", "never")
    )
    # Adam's first step moves a weight by the rate.
    assert np.abs(ours[0] - theirs[0]).max() == pytest.approx(0.1, rel=0.1)


@pytest.mark.slow
def test_whole_words_and_order_of_sentences(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.txt"
    documents = [
        f"First comes {word}.\nThen {word} goes on.\nLast {word} is over.\n"
        for word in ("spring", "summer", "autumn", "winter")
    ]
    corpus.write_text("\n".join(documents * 3))
    common = {
        "split": "wordpiece",
        "vocabulary_size": 45,  # so that words are split
        "objective": "sentence_order",
        "learning_rate": 0.01,
        "epochs": 1,
    }
    results = run(
        tmp_path / "1",
        corpus=corpus,
        whole_word_masking=True,
        steps_per_epoch=150,
        **common,
    )
    # "First", "then" and "last" reveal the order, which is soon learned.
    assert results["next_sentence_accuracy"] > 0.6
    recipe = load_recipe("pretrain_bert")
    config = recipe.Config(corpus=corpus, **{**SIZES, **common})
    inputs = pretraining.bert_text_inputs(config)
    features, _, _ = next(
        iter(
            recipe.make_dataset(
                *(config, inputs, corpus, False), steps_per_epoch=5, seed=0
            )
        )
    )
    # Length counts tokens, not characters.
    assert features["padding_mask"].numpy().mean() > 0.5
    with pytest.raises(
        ValueError, match="`whole_word_masking` needs a vocabulary"
    ):
        run(tmp_path / "2", corpus=corpus, whole_word_masking=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"init": Path("a"), "vocabulary": Path("b")},
            "`init` and `vocabulary` must not be given together",
        ),
        ({"pair_length": 200}, "`pair_length` must be at most `max_length`"),
        ({"held_out_steps": 0}, "`held_out_steps` must be at least 1"),
        (
            {"dtype": "mixed_float16", "strategy": "mirrored"},
            "`dtype` must be .* on several devices",
        ),
        (
            {"ema_momentum": 0.9, "average_checkpoints": 2},
            "`ema_momentum` and `average_checkpoints` must not",
        ),
        (
            {"segmented": True, "lexicon": Path("a")},
            "`segmented` and `lexicon` must not be given together",
        ),
        (
            {"whole_word_masking": True, "segmented": True},
            "`whole_word_masking` and `segmented` must not",
        ),
        (
            {"records": Path("a"), "lexicon": Path("b"), "pair_length": 9},
            "`records` and `lexicon` must not be given together",
        ),
        ({"masking_rule": "unit"}, '`masking_rule="unit"` needs `segmented`'),
        ({"masking_rate": 1.0}, "`masking_rate` must be a share above 0"),
        (
            {
                "objective": "left_to_right",
                "masking_rate": 0.3,
                "lexicon": Path("a"),
            },
            "masks nothing. Leave out `masking_rate` and `lexicon`",
        ),
        (
            {"gradient_accumulation_steps": 0},
            "`gradient_accumulation_steps` must be at least 1",
        ),
    ],
)
def test_error(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_recipe("pretrain_bert").Config(**options)


def test_an_elmo_is_refused(tmp_path: Path, corpus: Path) -> None:
    encoder = models.elmo_encoder([(1, 4)], 6, 4, max_characters=8)
    training.save_model(encoder, tmp_path / "elmo" / "encoder.keras")
    text.save_inputs(text.ElmoInputs(8), tmp_path / "elmo" / "text_inputs.json")
    with pytest.raises(ValueError, match="`init` must hold a BERT.*ElmoInputs"):
        run(tmp_path / "run", init=tmp_path / "elmo", corpus=corpus)


@pytest.mark.slow
def test_the_average_of_the_last_checkpoints_is_saved(
    tmp_path: Path, corpus: Path, held_out: Path
) -> None:
    common = {"corpus": corpus, "learning_rate": 0.01}
    first = run(tmp_path / "1", **common, epochs=3)
    mean = run(
        tmp_path / "2",
        **common,
        epochs=3,
        average_checkpoints=2,
        held_out=held_out,
    )
    assert mean["masked_lm_loss"] == first["masked_lm_loss"]
    assert mean["averaged"].keys() == mean["before"].keys()
    assert mean["averaged"]["val_loss"] != mean["val_loss"]
    apart = [
        np.abs(one - two).max()
        for one, two in zip(
            weights(tmp_path / "1", "encoder"),
            weights(tmp_path / "2", "encoder"),
            strict=True,
        )
    ]
    assert max(apart) > 0
    assert not (tmp_path / "2" / "checkpoints").exists()


@pytest.mark.slow
def test_the_moving_average_is_measured_and_saved(
    tmp_path: Path, corpus: Path, held_out: Path
) -> None:
    common = {"corpus": corpus, "learning_rate": 0.01, "held_out": held_out}
    # It is still at the start.
    still = run(tmp_path / "1", **common, ema_momentum=1 - 1e-9)
    moved = run(tmp_path / "2", **common, ema_momentum=1e-9)
    plain = run(tmp_path / "3", **common)
    key = "val_masked_lm_loss"
    assert moved[key] == pytest.approx(plain[key], rel=1e-5)
    assert abs(still[key] - plain[key]) > 0.01
    assert_close(
        weights(tmp_path / "2", "encoder"),
        weights(tmp_path / "3", "encoder"),
        1e-6,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "dtype",
    [
        "mixed_float16",
        pytest.param("mixed_bfloat16", marks=pytest.mark.slow),
    ],
)
def test_half_precision(dtype: str, tmp_path: Path, corpus: Path) -> None:
    whole = run(tmp_path / "whole", corpus=corpus)
    half = run(tmp_path / "half", corpus=corpus, dtype=dtype)
    # 11 and 8 bits of mantissa.
    share = 1e-3 if dtype == "mixed_float16" else 1e-2
    assert half["loss"] == pytest.approx(whole["loss"], rel=share)
    assert half["loss"] != whole["loss"]
    for name in ("encoder", "pretrainer"):
        model = keras.saving.load_model(tmp_path / "half" / f"{name}.keras")
        policies = {layer.dtype_policy.name for layer in model.layers}
        assert policies == {"float32"}


@pytest.mark.slow
def test_another_run_is_not_gone_on_with(tmp_path: Path, corpus: Path) -> None:
    run(tmp_path, corpus=corpus, **STILL)
    again = run(tmp_path, corpus=corpus, **STILL, profile=False)
    assert again["step"] == 1
    with pytest.raises(ValueError, match="run of other settings.*batch_size"):
        run(tmp_path, corpus=corpus, **STILL, batch_size=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("objective", "options"),
    [
        ("sentence_order", []),
        ("none", ["--masking-rate", "0.5"]),
        ("left_to_right", []),
    ],
)
def test_a_killed_adaptation_ends_as_if_it_had_not_been(
    objective: Any,
    options: list[str],
    tmp_path: Path,
    corpus: Path,
    held_out: Path,
) -> None:
    first, whole, killed = (tmp_path / n for n in ("first", "whole", "killed"))
    causal = objective == "left_to_right"
    before = objective if causal else "next_sentence"
    run(first, corpus=corpus, dropout=0.1, objective=before)

    def start(output: Path) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, str(RECIPES / "pretrain_bert.py")]
            + ["--init", str(first), "--corpus", str(corpus)]
            + ["--held-out", str(held_out), "--held-out-steps", "3"]
            + ["--objective", objective, "--pair-length", "24", *options]
            + ["--batch-size", "4", "--epochs", "3", "--steps-per-epoch", "20"]
            + ["--output", str(output)],
            stdout=subprocess.DEVNULL,
        )

    assert start(whole).wait() == 0
    process = start(killed)
    deadline = time.monotonic() + 600
    while not training.completed_steps(killed):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (killed / "encoder.keras").exists()
    assert start(killed).wait() == 0
    results = [
        json.loads((folder / "results.json").read_text())["results"]
        for folder in (whole, killed)
    ]
    for found in results:
        del found["seconds"]
    assert results[0] == results[1]
    for name in ("encoder", "pretrainer"):
        assert_close(weights(killed, name), weights(whole, name), 0)
    # The next-sentence head of `first` and its pooler are gone.
    outputs = keras.saving.load_model(killed / "pretrainer.keras").output
    encoder = keras.saving.load_model(killed / "encoder.keras")
    assert ("next_sentence" in outputs) == (objective == "sentence_order")
    assert ("pooled" in encoder.output) == (objective != "none")
    assert models.family_of(encoder).causal == causal


@pytest.mark.slow
def test_an_encoder_from_left_to_right_stays_one(
    tmp_path: Path, corpus: Path, reviews: Path, entities: Path
) -> None:
    run(tmp_path / "bert", corpus=corpus, objective="left_to_right")
    common = {"init": tmp_path / "bert", "compare": False, "epochs": 1}
    for name, path in (("classifier", reviews), ("tagger", entities)):
        recipe = load_recipe(f"finetune_{name}")
        given = {"train": path, "test": path, "batch_size": 8, "lstm_dim": 3}
        output = tmp_path / name
        recipe.main(recipe.Config(output=output, **given, **common))
        model = keras.saving.load_model(output / "model.keras")
        encoder = models.encoder_of(model)
        assert "lstm_0" in {layer.name for layer in model.layers}
        inputs = convert.load_text_inputs(output)
        one, other = (
            np.asarray(encoder(inputs([text]))["layers"])
            for text in ("树很好", "树很差")
        )
        np.testing.assert_array_equal(one[:, :, :3], other[:, :, :3])
        assert np.abs(one - other)[:, :, 3].min(0).max() > 1e-4
