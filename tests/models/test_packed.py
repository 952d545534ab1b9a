"""Texts in packed rows have the vectors that they have alone."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from contracts.backends import BACKEND, compiled
from contracts.random_weights import randomized
from keras import ops

from keras_ctx import layers, models

ROOT = Path(__file__).resolve().parents[2]
# The second is an empty text between [CLS] and [SEP]; the last fills a row.
TEXTS = [[2, 7, 5, 3], [2, 3], [2, 9, 3], [2, 6, 6, 8, 3], [2, 4, 3, 7, 5, 3]]
SEGMENTS = [[0, 0, 1, 1], [0, 0], [0, 0, 1], [0, 0, 1, 1, 1], [0] * 3 + [1] * 3]
# Texts 0 and 1, with padding between them and behind; text 4 before text 3.
ROWS = {
    "token_ids": np.array(
        [
            [2, 7, 5, 3, 0, 2, 3, 0, 0, 0, 0],
            [2, 4, 3, 7, 5, 3, 2, 6, 6, 8, 3],
            [2, 9, 3, 0, 0, 0, 0, 0, 0, 0, 0],
        ]
    ),
    "segment_ids": np.array(
        [
            [0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1],
            [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        ]
    ),
    "text_ids": np.array(
        [
            [1, 1, 1, 1, 0, 2, 2, 0, 0, 0, 0],
            [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2],
            [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        ]
    ),
}
PLACES = [(0, 1), (0, 2), (2, 1), (1, 2), (1, 1)]  # of each text: row, number
MAX_TEXTS = 3


def bert(**options) -> keras.Model:
    # A row is longer than the positions, a text is not.
    encoder = models.bert_encoder(13, 2, 2, 8, 12, max_length=6, **options)
    return randomized(encoder)


def alone(model: keras.Model, number: int) -> dict[str, Any]:
    ids = np.array([TEXTS[number]])
    found = model(
        {
            "token_ids": ids,
            "segment_ids": np.array([SEGMENTS[number]]),
            "padding_mask": np.ones_like(ids, bool),
        }
    )
    return keras.tree.map_structure(ops.convert_to_numpy, found)


def numpy(tree: Any) -> Any:
    return keras.tree.map_structure(ops.convert_to_numpy, tree)


@pytest.mark.quick("compiled-False", "eager-True")
@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("run", ["eager", "compiled"])
def test_vectors_of_backend_are_those_alone(norm_first: bool, run: str) -> None:
    encoder = bert(norm_first=norm_first)
    model = models.packed(encoder, MAX_TEXTS)
    call = compiled(model, model) if run == "compiled" else model
    found = numpy(call(ROWS))
    assert found["pooled"].shape == (3, MAX_TEXTS, 8)
    np.testing.assert_array_equal(found["text_ids"], ROWS["text_ids"])
    np.testing.assert_array_equal(found["padding_mask"], ROWS["text_ids"] > 0)
    for number, (row, text) in enumerate(PLACES):
        expected = alone(encoder, number)
        here = ROWS["text_ids"][row] == text
        for x, y in zip(found["layers"], expected["layers"], strict=True):
            np.testing.assert_allclose(x[row, here], y[0], rtol=0, atol=1e-5)
        np.testing.assert_array_equal(found["sequence"], found["layers"][-1])
        np.testing.assert_allclose(
            found["pooled"][row, text - 1], expected["pooled"][0], 0, 1e-5
        )


@pytest.mark.slow
@pytest.mark.skipif(BACKEND == "jax", reason="it runs there already")
def test_on_jax() -> None:
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", __file__, "-k", "backend"],
        check=True,
        cwd=ROOT,
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
        },
    )


HEADS = {
    "tagger": lambda x: models.tagger(x, 5),
    "tagger of a mixture": lambda x: models.tagger(x, 5, mix="scalar_mix"),
    "classifier": lambda x: models.classifier(x, 3),
    "classifier of means": lambda x: models.classifier(x, 3, mix="scalar_mix"),
    "embedder": models.embedder,
    "embedder of first tokens": lambda x: models.embedder(x, pooling="cls"),
    "embedder with dense": lambda x: models.embedder(
        x, dense=[(4, "tanh", True)], normalize=False
    ),
}


@pytest.mark.quick("tagger", "classifier", "embedder")
@pytest.mark.parametrize("head", HEADS)
def test_heads_of_backend_answer_as_alone(head: str) -> None:
    encoder = bert()
    plain = randomized(HEADS[head](encoder))
    model = HEADS[head](models.packed(encoder, MAX_TEXTS))
    assert [w.path for w in model.weights] == [w.path for w in plain.weights]
    model.set_weights(plain.get_weights())
    ((key, found),) = numpy(model(ROWS)).items()
    for number, (row, text) in enumerate(PLACES):
        expected = alone(plain, number)[key][0]
        if head.startswith("tagger"):
            answer = found[row, ROWS["text_ids"][row] == text]
        else:
            answer = found[row, text - 1]
        np.testing.assert_allclose(answer, expected, rtol=0, atol=1e-5)


def test_texts_need_not_stand_together() -> None:
    # Position and mask follow from the numbers alone.
    order = np.random.default_rng(0).permutation(11)
    text_ids = ROWS["text_ids"][1:2, order]
    place = np.zeros(11, int)
    for text in (1, 2):  # each text's tokens in their order
        there = ROWS["text_ids"][1] == text
        place[text_ids[0] == text] = np.flatnonzero(there)
    model = models.packed(bert(), MAX_TEXTS)
    rows = {key: x[1:2] for key, x in ROWS.items()}
    mixed = {key: x[:, place] for key, x in rows.items()}
    np.testing.assert_array_equal(mixed["text_ids"], text_ids)
    found, expected = numpy(model(mixed)), numpy(model(rows))
    np.testing.assert_allclose(
        found["sequence"], expected["sequence"][:, place], 0, 1e-5
    )
    np.testing.assert_allclose(
        found["pooled"][:, :2], expected["pooled"][:, :2], 0, 1e-5
    )


def test_padding_may_hold_any_id_and_a_wrong_id_stays_in_its_row() -> None:
    model = models.packed(bert(), MAX_TEXTS)
    clean = numpy(model(ROWS))
    dirty = {
        **ROWS,
        "token_ids": np.where(ROWS["text_ids"], *[ROWS["token_ids"], -1]),
    }
    found = numpy(model(dirty))
    real = ROWS["text_ids"] > 0
    np.testing.assert_array_equal(
        found["sequence"][real], clean["sequence"][real]
    )
    wrong = ROWS["token_ids"].copy()
    wrong[0, 5] = 13
    found = numpy(model({**ROWS, "token_ids": wrong}))
    assert np.isnan(found["sequence"][0]).all()
    np.testing.assert_array_equal(found["sequence"][1:], clean["sequence"][1:])


@pytest.mark.quick("4")
@pytest.mark.parametrize("bad", [-1, MAX_TEXTS + 1])
def test_more_texts_than_there_is_room_for(bad: int) -> None:
    model = models.packed(bert(), MAX_TEXTS)
    text_ids = ROWS["text_ids"].copy()
    text_ids[0, 5:7] = bad
    rows = {**ROWS, "text_ids": text_ids}
    rule = "`text_ids` must be from 0 to 3: a row holds at most `max_texts=3`"
    with pytest.raises(ValueError, match=rule):
        model(rows)
    with pytest.raises(ValueError, match=rule):
        layers.TextPooling(MAX_TEXTS)(np.ones((3, 11, 2)), text_ids)
    found = numpy(compiled(model, model)(rows))
    assert np.isnan(found["sequence"][0]).all()
    assert np.isnan(found["pooled"][0]).all()
    assert np.isfinite(found["pooled"][1:]).all()


def test_a_text_beyond_the_positions_is_no_number() -> None:
    encoder = bert()
    text_ids = np.repeat([[1, 2]], [7, 4], axis=1)
    rows = {key: x[:1] for key, x in ROWS.items()} | {"text_ids": text_ids}
    found = numpy(models.packed(encoder, 2)(rows))
    assert np.isnan(found["sequence"]).all()


def test_encoder_of_a_saved_one_reads_one_text(tmp_path) -> None:
    encoder = bert(norm_first=True)
    head = randomized(models.classifier(models.packed(encoder, MAX_TEXTS), 3))
    head.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        numpy(loaded(ROWS))["logits"], numpy(head(ROWS))["logits"]
    )
    again = models.encoder_of(loaded)
    assert set(again.input) == {"token_ids", "segment_ids", "padding_mask"}
    expected = alone(encoder, 3)
    for key, x in alone(again, 3).items():
        keras.tree.map_structure(
            np.testing.assert_array_equal, x, expected[key]
        )
    assert models.family_of(loaded).name == "bert_packed"
    pretrainer = models.bert_pretrainer(models.packed(encoder, MAX_TEXTS))
    assert set(alone(models.encoder_of(pretrainer), 3)) == set(expected)


def test_an_encoder_without_a_pooler() -> None:
    encoder = models.encoder_of(models.tagger(bert(), 5))
    model = models.packed(encoder, MAX_TEXTS)
    assert "pooled" not in model.output
    found = numpy(models.embedder(model)(ROWS))["embedding"]
    expected = alone(models.embedder(encoder), 3)["embedding"][0]
    np.testing.assert_allclose(found[1, 1], expected, rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match='`mix="last"` needs .* pooled'):
        models.classifier(model, 3)


@pytest.mark.parametrize(
    ("build", "rule"),
    [
        (models.span_extractor, "`span_extractor` would read a row of several"),
        (
            lambda x: models.tagger(x, 5, crf=True),
            "`crf` or `lstm_dim` would read a row of several texts as one",
        ),
        (lambda x: models.tagger(x, 5, lstm_dim=3), "`crf` or `lstm_dim`"),
        (
            lambda x: models.embedder(x, pooling="max"),
            r"`pooling` on an encoder of `packed` must(.|\n)*pooling='max'",
        ),
        (
            lambda x: models.embedder(x, num_skipped=1),
            "`pooling` on an encoder of `packed` must",
        ),
        (models.attention_scores, "`encoder` must read one text a row"),
        (lambda x: models.packed(x, 2), "`encoder` must be a model of `bert"),
    ],
)
def test_what_would_read_a_row_as_one_text_is_refused(build, rule) -> None:
    model = models.packed(bert(), MAX_TEXTS)
    with pytest.raises(ValueError, match=rule):
        build(model)


def test_an_elmo_is_refused() -> None:
    elmo = models.elmo_word_encoder(9, 8, 4)
    for encoder in (elmo, models.tagger(bert(), 5), models.tagger(elmo, 5)):
        with pytest.raises(ValueError, match="`token_counts`(.|\n)*Received"):
            models.packed(encoder, 2)
    with pytest.raises(ValueError, match="`max_texts` must be at least 1"):
        models.packed(bert(), 0)


def test_positions_and_mask_by_hand() -> None:
    ids = np.array([[1, 1, 2, 0, 3]])
    positions, mask = layers.PackedTexts(3)(ids)
    assert numpy(positions).tolist() == [[0, 1, 0, 0, 0]]
    assert numpy(mask).astype(int).tolist() == [
        [
            [1, 1, 0, 0, 0],
            [1, 1, 0, 0, 0],
            [0, 0, 1, 0, 0],
            [0, 0, 0, 0, 0],
            [0, 0, 0, 0, 1],
        ]
    ]
    x = np.array([[[1.0], [4.0], [5.0], [np.nan], [-2.0]]])
    mean = layers.TextPooling(4)(x, ids)
    assert numpy(mean).tolist() == [[[2.5], [5.0], [-2.0], [0.0]]]
    first = layers.TextPooling(4, "cls")(x, ids)
    assert numpy(first).tolist() == [[[1.0], [5.0], [-2.0], [0.0]]]
    with pytest.raises(ValueError, match="`mode` must be one of 'mean', 'cls'"):
        layers.TextPooling(4, "max")
