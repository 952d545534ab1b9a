"""Likelihoods of sentences compared with a softmax in NumPy."""

import json
import math
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from contracts.random_weights import randomized
from recipe_files import load_recipe

from keras_ctx import data, models, text, training

WORDS = ["<S>", "</S>", "<UNK>", "the", "river", "bank", "is"]
P = 4
LONG_WORD = "长" * 3333 + "x"  # 10,000 bytes
LINES = [
    "the bank is new",
    "",
    "river",
    "  ",
    "the <S> is the river",
    f"{LONG_WORD} is",
    "the river is the bank the river is",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a run of pretrain_elmo.py."""
    folder = tmp_path_factory.mktemp("elmo")
    encoder = models.elmo_encoder([(1, 4), (2, 5)], 6, P, max_characters=8)
    model = randomized(models.elmo_language_model(encoder, len(WORDS)))
    training.save_model(model, folder / "language_model.keras")
    inputs = text.ElmoInputs(8, max_length=3)  # scores must ignore it
    text.save_inputs(inputs, folder / "text_inputs.json")
    text.save_vocabulary(WORDS, folder / "words.txt")
    return folder


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def score(**arguments) -> tuple[dict, list[dict]]:
    recipe = load_recipe("score_corpus")
    arguments = {"window": 3, "batch_words": 8, **arguments}
    results = recipe.main(recipe.Config(**arguments))
    lines = arguments["output"].read_text("utf-8").splitlines()
    return results, [json.loads(line) for line in lines]


def log_softmax(logits: np.ndarray) -> np.ndarray:
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def by_hand(model: keras.Model, line: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns log-likelihoods of words and a marker, from the biLM."""
    read = keras.Model(
        {"char_ids": model.input["char_ids"]},
        model.get_layer("bilm").output[-1],
    )
    top = np.asarray(read(text.ElmoInputs(8)([line])), "float64")[0]
    kernel, bias = model.get_layer("softmax").get_weights()
    known = {word: k for k, word in enumerate(WORDS) if k > 2}
    ids = [known.get(word, 2) for word in line.split()]
    places = np.arange(len(ids) + 1)
    forward = log_softmax(top[:-1, :P] @ kernel.T + bias)
    backward = log_softmax(top[1:, P:] @ kernel.T + bias)
    return forward[places, [*ids, 1]], backward[places, [0, *ids]]


def test_scores_by_hand(folder: Path, tmp_path: Path) -> None:
    corpus = write(tmp_path / "lines.txt", LINES)
    output = tmp_path / "new" / "scores.jsonl"
    _, records = score(init=folder, corpus=corpus, output=output, per_word=True)
    assert [path.name for path in output.parent.iterdir()] == ["scores.jsonl"]
    assert [each["line"] for each in records] == [1, 2, 3, 4, 5, 6, 7]
    model = keras.saving.load_model(folder / "language_model.keras")
    for each, line in zip(records, LINES, strict=True):
        words = line.split()
        assert each["num_words"] == len(words)
        assert [word["word"] for word in each["words"]] == words
        if not words:
            assert {each[key] for key in SCORES} == {None}
            continue
        forward, backward = by_hand(model, line)
        found = [
            [word["forward"] for word in each["words"]] + [each["end"]],
            [each["begin"]] + [word["backward"] for word in each["words"]],
        ]
        np.testing.assert_allclose(
            found, [forward, backward], rtol=0, atol=1e-5
        )
        assert each["forward"] == pytest.approx(forward.sum(), abs=1e-5)
        assert each["backward"] == pytest.approx(backward.sum(), abs=1e-5)
        mean = (forward.mean() + backward.mean()) / 2
        assert each["perplexity"] == pytest.approx(math.exp(-mean), rel=1e-5)
    unknown = [word["unknown"] for word in records[4]["words"]]
    assert unknown == [False, True, False, False, False]


SCORES = ("forward", "backward", "perplexity", "begin", "end")


@pytest.mark.slow
def test_without_words_it_is_the_same_sums(
    folder: Path, tmp_path: Path
) -> None:
    corpus = write(tmp_path / "lines.txt", LINES)
    common = {"init": folder, "corpus": corpus}
    whole, long = score(output=tmp_path / "long", per_word=True, **common)
    results, short = score(output=tmp_path / "short", **common)
    for a, b in zip(short, long, strict=True):
        assert a == {key: b[key] for key in a}
        assert not {"words", "begin", "end"} & set(a)
    del results["seconds"], whole["seconds"]
    assert results == whole


@pytest.mark.slow
def test_sum_over_lines_is_the_perplexity(folder: Path, tmp_path: Path) -> None:
    corpus = write(tmp_path / "lines.txt", LINES)
    results, records = score(
        init=folder, corpus=corpus, output=tmp_path / "scores.jsonl"
    )
    inputs = data.LanguageModelInputs(text.ElmoInputs(8), WORDS)
    lines = data.read_lines(corpus)
    expected = training.perplexity(
        keras.saving.load_model(folder / "language_model.keras"),
        [
            inputs(tf.constant(batch))
            for _, batch in data.length_windows(lines, 2, window=100)
        ],
    )
    assert results.items() >= {"num_lines": 7, "num_sentences": 5}.items()
    for key, value in expected.items():
        assert results[key] == pytest.approx(value, rel=1e-6), key
    for key in ("forward", "backward"):
        total = sum(each[key] or 0 for each in records)
        assert math.exp(-total / expected["num_targets"]) == pytest.approx(
            expected[f"{key}_perplexity"], rel=1e-6
        )


@pytest.mark.slow
def test_long_sentence_is_scored_whole(folder: Path, tmp_path: Path) -> None:
    line = " ".join(WORDS[k % 4 + 3] for k in range(5000))
    corpus = write(tmp_path / "long.txt", ["river", line])
    _, records = score(
        init=folder, corpus=corpus, output=tmp_path / "o", per_word=True
    )
    assert records[1]["num_words"] == len(records[1]["words"]) == 5000
    # Forward, the first words do not depend on what follows.
    forward, _ = by_hand(
        keras.saving.load_model(folder / "language_model.keras"),
        " ".join(line.split()[:30]),
    )
    np.testing.assert_allclose(
        [word["forward"] for word in records[1]["words"][:30]],
        forward[:-1],
        rtol=0,
        atol=1e-5,
    )


def test_only_blank_lines(folder: Path, tmp_path: Path) -> None:
    corpus = write(tmp_path / "blank.txt", ["", " ", "", ""])
    results, records = score(
        init=folder, corpus=corpus, output=tmp_path / "scores.jsonl"
    )
    assert [each["num_words"] for each in records] == [0, 0, 0, 0]
    assert results["num_targets"] == 0 and "perplexity" not in results


def test_encoder_of_words(tmp_path: Path) -> None:
    encoder = models.elmo_word_encoder(len(WORDS), 6, P)
    model = randomized(models.elmo_language_model(encoder, len(WORDS)))
    training.save_model(model, tmp_path / "language_model.keras")
    text.save_inputs(text.WordInputs(WORDS), tmp_path / "text_inputs.json")
    text.save_vocabulary(WORDS, tmp_path / "words.txt")
    corpus = write(tmp_path / "lines.txt", ["the bank", "bank the"])
    results, records = score(
        init=tmp_path, corpus=corpus, output=tmp_path / "scores.jsonl"
    )
    assert results["num_targets"] == 6
    assert records[0]["forward"] != records[1]["forward"]


def test_failed_run_leaves_the_old_file(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "scores.jsonl"
    output.write_text("old")
    corpus = tmp_path / "bad.txt"
    for content, message in ((b"", "no text"), (b"a\n\xff\n", "line 2: byte")):
        corpus.write_bytes(content)
        with pytest.raises(ValueError, match=message):
            score(init=folder, corpus=corpus, output=output)
        assert output.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2


def test_sizes_are_checked() -> None:
    config = load_recipe("score_corpus").Config
    for name in ("window", "batch_words"):
        with pytest.raises(ValueError, match=f"`{name}` must be at least 1"):
            config(**{name: 0})
