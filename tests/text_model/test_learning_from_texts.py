"""A text model trains on raw texts, with the scores of the recipes."""

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from seqeval.metrics import f1_score
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2
from text_model.tiny_models import INPUTS, TAGS, encoder, text_model

import keras_ctx
from keras_ctx import data, models
from keras_ctx.text_model import Entity
from keras_ctx.text_model.texts.labelled import (
    dataset_of,
    labelled_rows,
    questions_of,
)

GOOD = ["a a b", "b a", "a b a", "b b a", "a", "b"]
BAD = ["c d d", "d c", "c", "d c d", "d", "c d c"]


def small(**arguments) -> keras.Model:
    return encoder(1, block_initializer_range=0.3, dropout=0.0, **arguments)


def classifier(num: int = 2, **arguments: Any) -> keras_ctx.TextModel:
    labels = ("bad", "good")[:num] if num > 1 else ()
    return keras_ctx.TextModel(
        models.classifier(small(), num), INPUTS, labels, **arguments
    )


def test_it_learns_classes() -> None:
    model = classifier()
    texts, labels = GOOD + BAD, ["good"] * 6 + ["bad"] * 6
    settings = {"batch_size": 12, "learning_rate": 0.05, "verbose": 0}
    both = texts, labels
    history = model.fit(
        *both, epochs=40, validation_data=both, validation_freq=40, **settings
    )
    assert {"loss", "val_loss"} <= history.history.keys()
    assert [each.label for each in model(texts)] == labels
    scores = model.evaluate(texts, labels)
    assert scores["accuracy"] == scores["f1_macro"] == 1
    wrong = model.evaluate(texts, ["bad"] * 12)
    assert wrong["accuracy"] == 0.5
    # The graph reads the current weights.
    logits = model.model.get_layer("logits")
    logits.bias.assign([100.0, 0.0])
    assert {each.label for each in model(texts)} == {"bad"}


@pytest.mark.slow
def test_a_second_call_learns_though_the_first_rate_fell_to_0() -> None:
    model = classifier()
    settings = {"batch_size": 6, "learning_rate": 0.05, "verbose": 0}
    model.fit(GOOD, ["good"] * 6, **settings)
    before = model.model.get_weights()
    model.fit(GOOD, ["good"] * 6, **settings)
    after = model.model.get_weights()
    changes = [np.abs(x - y).max() for x, y in zip(before, after, strict=True)]
    assert max(changes) > 1e-3


@pytest.mark.slow
def test_a_model_that_was_compiled_stays_so() -> None:
    model = classifier()
    optimizer = keras.optimizers.SGD(0.0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.model.compile(optimizer, loss={"logits": loss})
    before = [w.numpy() for w in model.model.weights]
    for _ in range(2):
        model.fit(GOOD, ["good"] * 6, verbose=0)
        assert model.model.optimizer is optimizer
    for weight, old in zip(model.model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, old)


@pytest.mark.slow
def test_numbers_labels_and_pairs() -> None:
    model = keras_ctx.TextModel(models.classifier(small(), 1), INPUTS)
    model.fit(GOOD, np.arange(6.0), verbose=0)
    found = model.evaluate(GOOD, list(model(GOOD)))
    np.testing.assert_allclose(found["pearson"], 1, rtol=1e-5)
    model = classifier(task="multi_label")
    sets = [["good"], [], ["bad", "good"], ("bad",), [], []]
    model.fit(GOOD, sets, verbose=0)
    given = [each.labels for each in model(GOOD)]
    assert model.evaluate(GOOD, given)["accuracy"] == 1
    model = classifier(settings={"pair": True})
    pairs = list(zip(GOOD, BAD, strict=True))
    model.fit(pairs, ["good"] * 6, verbose=0)
    assert 0 <= model.evaluate(pairs, ["bad"] * 6)["accuracy"] <= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "crf", [pytest.param(False, marks=pytest.mark.slow), True]
)
def test_tagger_learns_names_in_texts(crf: bool) -> None:
    tagger = models.tagger(small(), len(TAGS), crf=crf)
    model = keras_ctx.TextModel(tagger, INPUTS, TAGS)
    texts = ["c ab d", "a b c", "c d", "d a"]
    spans = [[(2, 4, "X")], [(0, 3, "X")], [], [Entity("Y", "a", 2, 3, 1.0)]]
    words = [["c", "ab", "d"], ["a", "b", "c"], ["c", "d"], ["d", "a"]]
    tags = [
        ["O", "B-X", "O"],
        ["B-X", "I-X", "O"],
        ["O", "O"],
        ["O", "B-Y"],
    ]
    model.fit(
        texts, spans, epochs=60, batch_size=4, learning_rate=0.02, verbose=0
    )
    found = [[(x.start, x.end, x.label) for x in row] for row in model(texts)]
    assert found == [[(2, 4, "X")], [(0, 3, "X")], [], [(2, 3, "Y")]]
    for given, labels in ((texts, spans), (words, tags)):
        assert model.evaluate(given, labels)["f1"] == 1
    wrong = [[], [(0, 3, "Y")], [], [(2, 3, "Y")]]
    scores = model.evaluate(texts, wrong)
    # Precision 1/3, recall 1/2.
    assert scores["precision"] == pytest.approx(1 / 3)
    assert scores["recall"] == pytest.approx(1 / 2)


@pytest.mark.slow
def test_published_tagger_in_another_scheme_is_scored_in_iob2() -> None:
    # In IOB1, only I- unless B- is needed.
    labels = ("I-X", "I-Y", "O")
    model = keras_ctx.TextModel(models.tagger(small(), 3), INPUTS, labels)
    words = [["a", "b"], ["c"]]
    tags = list(model._asking.tags([(row,) for row in words], 2))
    assert model.evaluate(words, tags)["f1"] in (0.0, 1.0)
    has_names = any(tag != "O" for row in tags for tag in row)
    assert model.evaluate(words, tags)["f1"] == float(has_names)


def test_tags_are_scored_strictly_and_shown_as_conlleval_reads_them() -> None:
    tagger = models.tagger(small(), len(TAGS))
    kernel, bias = tagger.weights[-2:]
    kernel.assign(0 * kernel)
    bias.assign([tag == "I-X" for tag in TAGS])
    model = keras_ctx.TextModel(tagger, INPUTS, TAGS)
    words, true = [["a", "b"], ["c"]], [["B-X", "I-X"], ["O"]]
    given = [["I-X", "I-X"], ["I-X"]]
    for row, tags in zip(model(words), given, strict=True):
        shown = [(x.label, x.start, x.end - 1) for x in row]
        assert shown == get_entities(tags)
    strict = f1_score(true, given, mode="strict", scheme=IOB2, zero_division=0)
    assert model.evaluate(words, true)["f1"] == strict == 0
    assert f1_score(true, given) == pytest.approx(2 / 3)  # what conlleval says


@pytest.mark.slow
def test_answers_are_learned_and_scored() -> None:
    settings = {"stride": 4, "max_question": 4, "max_answer": 3}
    model = keras_ctx.TextModel(
        models.span_extractor(small()), INPUTS, settings=settings
    )
    rows = [("a?", "c d e f"), ("b?", "f e d c"), ("a?", "g h")]
    answers = ["d", ("e", 2), ["g", "h"]]
    model.fit(rows, answers, verbose=0)
    given = [each.text for each in model(rows)]
    assert model.evaluate(rows, given) == data.squad_scores(
        [
            data.SquadQuestion(str(i), *row, (data.SquadAnswer(text, -1),))
            for i, (row, text) in enumerate(zip(rows, given, strict=True))
        ],
        {str(i): text for i, text in enumerate(given)},
    )
    with pytest.raises(ValueError, match="`validation_data` is for labels"):
        model.fit(rows, answers, validation_data=(rows, answers))


@pytest.mark.parametrize(
    ("task", "texts", "labels", "said"),
    [
        ("classification", ["a"], ["nonsense"], "names of the classes.*row 0"),
        ("classification", ["a"], [1], "names of the classes"),
        ("classification", ["a"], [None], "names of the classes"),
        ("classification", ["a"], [], "1 texts, 0 labels"),
        ("classification", [], [], "0 texts, 0 labels"),
        ("classification", ["a"], "good", "`labels` must be a list"),
        ("classification", ["a"], None, "`labels` must be a list"),
        ("classification", [None], ["good"], "empty cell"),
        ("multi_label", ["a"], ["good"], "a list of names"),
        ("multi_label", ["a"], [["nonsense"]], "names of the classes"),
        ("regression", ["a"], [float("nan")], "finite numbers"),
        ("regression", ["a"], ["3"], "finite numbers"),
        ("tagging", [["a", "b"]], [["O"]], "2 words and 1 tags in row 0"),
        ("tagging", [["a"]], [["B-Z"]], "names of the classes"),
        ("tagging", ["a b"], [[(1, 2, "X")]], "spans that contain a word"),
        ("tagging", ["a b"], [["O", "O"]], r"\(start, end, label\)"),
        ("tagging", ["a b"], [[(-1, 1, "X")]], "0 <= start < end <= 3"),
        ("tagging", ["a b"], [[(1, 1, "X")]], "0 <= start < end <= 3"),
        ("tagging", ["a b"], [[(2, 4, "X")]], "0 <= start < end <= 3"),
        ("tagging", ["a b"], [[("0", "1", "X")]], "0 <= start < end <= 3"),
        ("tagging", ["a b"], [[(0.0, 1.0, "X")]], "0 <= start < end <= 3"),
        ("tagging", ["a b"], [[(0, 3, "X"), (2, 3, "Y")]], "to one span.*'b'"),
        ("tagging", ["a b"], [None], "list of its spans"),
        ("tagging", ["a b"], [{"entities": []}], "list of its spans"),
        ("tagging", [["a"]], ["B"], "list of the tags"),
        ("tagging", [["a"]], [None], "list of the tags"),
        ("question_answering", [("a", "b")], [3], "an answer for each"),
        ("question_answering", [("a", "b")], [("b", "0")], "an answer for"),
        ("question_answering", [("a", "b")], [("b",)], "an answer for each"),
        ("question_answering", [("a", "b")], [{"text": "b"}], "an answer for"),
        ("classification", ["a"], {"good": 1}, "`labels` must be a list"),
        ("embedding", ["a"], ["b"], "are for models with a task"),
    ],
)
def test_labels_that_are_none_are_refused(
    task: str, texts: list, labels: Any, said: str
) -> None:
    model = text_model(task)
    for use in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=said):
            use(texts, labels)


def test_labels_of_every_form() -> None:
    task, names = text_model("classification")._task, ["good", "bad"]
    for given in (
        tuple(names),
        np.array(names),
        np.array(names, object),
        tf.constant(names),
        tf.data.Dataset.from_tensor_slices(names).batch(2),
        iter(names),
    ):
        assert labelled_rows(task, ["a", "b"], given)[1] == names
    task, rows = text_model("tagging")._task, [["a", "b"], ["c"]]
    tags = [["B-X", "O"], ["O"]]
    for given in (tf.ragged.constant(tags), [np.array(row) for row in tags]):
        assert labelled_rows(task, rows, given)[1] == tags


def test_places_of_answers_may_be_numpy_integers() -> None:
    labels = [("c", np.int64(4)), [("b", 2), "c"], None, ["a"]]
    made = questions_of([("a?", "a b c")] * 4, labels)
    assert [each.answers for each in made] == [
        (data.SquadAnswer("c", 4),),
        (data.SquadAnswer("b", 2), data.SquadAnswer("c", -1)),
        (),
        (data.SquadAnswer("a", -1),),
    ]


@pytest.mark.slow
def test_answers_that_no_context_holds_are_told() -> None:
    task = text_model("question_answering")._task
    rows = [("a?", "a b"), ("b?", "c d")]
    settings = {"batch_size": 2, "training": True}
    with pytest.warns(UserWarning, match="1 questions are left out.*row"):
        dataset_of(task, rows, ["j", "d"], **settings)
    with pytest.raises(ValueError, match="an answer that its context holds"):
        dataset_of(task, rows, ["j", "i"], **settings)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"epochs": 0}, "`epochs` must be at least 1"),
        ({"epochs": 1.5}, "`epochs` must be an integer"),
        ({"learning_rate": 0}, "`learning_rate` must be a number above 0"),
        ({"learning_rate": float("nan")}, "`learning_rate` must be a number"),
        ({"learning_rate": "1e-3"}, "`learning_rate` must be a number"),
        (
            {"learning_rate": keras.optimizers.schedules.CosineDecay(1.0, 9)},
            "use your own schedule, compile `.model`",
        ),
        ({"steps_per_epoch": 0}, "`steps_per_epoch` must be at least 1"),
        ({"validation_data": [GOOD]}, "tuple of texts and their labels"),
        ({"validation_data": (GOOD, [], [])}, "tuple of texts and their"),
        ({"shuffle": False}, "`shuffle` is not an argument of this `fit`"),
        ({"validation_split": 0.5}, "as `validation_data`"),
        ({"sample_weight": np.ones(6)}, "`sample_weight` is not an argument"),
        ({"class_weight": {0: 1.0}}, "`class_weight` is not an argument"),
    ],
)
def test_arguments_of_fit_are_checked_first(arguments: Any, said: str) -> None:
    model = classifier()
    with pytest.raises(ValueError, match=said):
        model.fit(GOOD, ["good"] * 6, **arguments)
    assert not model.model.compiled


def _after_one_fit() -> keras_ctx.TextModel:
    model = classifier()
    model.fit(GOOD, ["good"] * 6, steps_per_epoch=2, verbose=0)
    assert int(model.model.optimizer.iterations) == 2
    assert float(model.model.optimizer.learning_rate) == 0
    return model


def _learns(model: keras_ctx.TextModel) -> bool:
    before = model.model.get_weights()
    model.fit(GOOD, ["good"] * 6, learning_rate=0.1, verbose=0)
    after = model.model.get_weights()
    return any(
        np.abs(x - y).max() > 1e-3 for x, y in zip(before, after, strict=True)
    )


@pytest.mark.slow
def test_a_new_text_model_of_a_fitted_one_learns() -> None:
    model = _after_one_fit()
    assert _learns(dataclasses.replace(model, labels=("no", "good")))


@pytest.mark.slow
def test_an_ended_schedule_is_refused(tmp_path: Path) -> None:
    model = _after_one_fit()
    model.model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    loaded = dataclasses.replace(model, model=again)
    with pytest.raises(ValueError, match="schedule has ended.*after 2 steps"):
        loaded.fit(GOOD, ["good"] * 6)
