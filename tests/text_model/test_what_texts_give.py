"""The results of a text model equal those of its model, in order."""

import itertools
import tracemalloc
import warnings
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from text_model.tiny_models import (
    ALL,
    INPUTS,
    LONG,
    QUESTIONS,
    TAGS,
    TEXTS,
    encoder,
    randomized,
    same,
    text_model,
    texts_for,
)

import keras_ctx
from keras_ctx import models, serving, text
from keras_ctx.predictions.length_order import WINDOW
from keras_ctx.text_model import Entity, Tokens

pytestmark = pytest.mark.filterwarnings("ignore:`texts`. .* are longer")


def logits(model: keras.Model, *texts: str) -> np.ndarray:
    """Returns logits of a single row, by the model itself."""
    return model(INPUTS(*([x] for x in texts)))["logits"][0].numpy()


def softmax(x: np.ndarray) -> np.ndarray:
    shares = np.exp(x - x.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


def test_labels_have_probabilities() -> None:
    model = text_model("classification")
    found = model(TEXTS)
    assert len(found) == len(TEXTS)
    for each, given in zip(found, TEXTS, strict=True):
        expected = softmax(logits(model.model, given))
        assert each.label == model.labels[int(expected.argmax())]
        np.testing.assert_allclose(each.score, expected.max(), atol=1e-6)
        scores = [each.scores[label] for label in model.labels]
        np.testing.assert_allclose(scores, expected, atol=1e-6)
        assert list(each.scores.values()) == sorted(scores)[::-1]


@pytest.mark.slow
def test_pairs_are_read_together() -> None:
    model = text_model("pair")
    for each, pair in zip(
        model(texts_for("pair")), texts_for("pair"), strict=True
    ):
        scores = [each.scores[label] for label in model.labels]
        expected = softmax(logits(model.model, *pair))
        np.testing.assert_allclose(scores, expected, atol=1e-6)


@pytest.mark.slow
def test_labels_over_one_half() -> None:
    model = text_model("multi_label")
    for each, given in zip(model(TEXTS), TEXTS, strict=True):
        expected = 1 / (1 + np.exp(-logits(model.model, given)))
        scores = [each.scores[label] for label in model.labels]
        np.testing.assert_allclose(scores, expected, atol=1e-6)
        given = {
            x for x, p in zip(model.labels, expected, strict=True) if p > 0.5
        }
        assert set(each.labels) == given


@pytest.mark.slow
def test_numbers_are_an_array() -> None:
    model = text_model("regression")
    found = model(TEXTS)
    expected = [logits(model.model, each)[0] for each in TEXTS]
    assert found.shape == (len(TEXTS),) and found.dtype == "float32"
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("batch_size", [None, 2])
def test_vectors_are_an_array(batch_size: int | None) -> None:
    model = text_model("embedding")
    found = model(TEXTS, batch_size=batch_size)
    assert found.shape == (len(TEXTS), 8) and found.dtype == "float32"
    for each, given in zip(found, TEXTS, strict=True):
        expected = model.model(INPUTS([given]))["embedding"][0]
        np.testing.assert_allclose(each, expected, atol=1e-6)


def by_hand(tags: list[str]) -> list[tuple[int, int, str]]:
    """Reads spans like conlleval: an I without its B also begins one."""
    spans, before = [], "O"
    for place, tag in enumerate(tags):
        if tag != "O":
            begins = tag[0] == "B" or before == "O" or before[2:] != tag[2:]
            if begins:
                spans.append([place, place + 1, tag[2:]])
            else:
                spans[-1][1] = place + 1
        before = tag
    return [tuple(span) for span in spans]


@pytest.mark.quick("tagging")
@pytest.mark.parametrize("task", ["tagging", "crf"])
def test_names_have_places_in_the_text(task: str) -> None:
    model = text_model(task)
    given = "ab  c d. e f g h"
    model_words = ["ab", "c", "d", ".", "e", "f", "g", "h"]
    features = INPUTS(tf.ragged.constant([model_words]))
    outputs = model.model(features)
    index = INPUTS.word_index(tf.ragged.constant([model_words])).numpy()[0]
    first = [list(index).index(i) for i in range(len(model_words))]
    if task == "crf":
        ids, scores = outputs["tags"][0].numpy(), outputs["scores"][0].numpy()
    else:
        scores = softmax(outputs["logits"][0].numpy())
        ids = scores.argmax(-1)
    tags = [TAGS[ids[i]] for i in first]
    shares = [scores[i, ids[i]] for i in first]
    starts = [0, 4, 6, 7, 9, 11, 13, 15]
    expected = []
    for begin, limit, kind in by_hand(tags):
        start = starts[begin]
        end = starts[limit - 1] + len(model_words[limit - 1])
        score = float(np.mean(shares[begin:limit]))
        expected.append(Entity(kind, given[start:end], start, end, score))
    [found] = model([given])
    assert expected and same(found, expected)
    # The same words, given as words, with offsets in words.
    [of_words] = model([model_words])
    assert [(x.label, x.start, x.end) for x in of_words] == [
        (kind, begin, limit) for begin, limit, kind in by_hand(tags)
    ]
    assert of_words[0].text == " ".join(
        model_words[of_words[0].start : of_words[0].end]
    )


@pytest.mark.slow
def test_plain_tags_are_those_of_words() -> None:
    model = text_model("plain")
    [found] = model(["a bc"])
    assert [(x.text, x.start, x.end) for x in found] == [
        ("a", 0, 1),
        ("bc", 2, 4),
    ]
    assert {x.label for x in found} <= {*model.labels}


def test_texts_and_words_together_are_refused() -> None:
    with pytest.raises(ValueError, match="Received: both"):
        text_model("tagging")(["a", ["a"]])


def test_answers_have_places_in_the_context() -> None:
    found = text_model("question_answering")(QUESTIONS)
    for each, (_, context) in zip(found, QUESTIONS, strict=True):
        if each.text:
            assert context[each.start : each.end] == each.text
            assert 0 < each.score <= 1
    assert all(each.text for each in found[:3])
    assert found[3] == ("", -1, -1, 0.0, float("inf"))


@pytest.mark.slow
def test_threshold_of_a_run_leaves_questions_without_answer() -> None:
    model = text_model("question_answering")
    [some] = model(QUESTIONS[:1])
    for change, answered in ((0.1, True), (-0.1, False)):
        settings = {**model.settings, "null_threshold": some.null_odds + change}
        again = keras_ctx.TextModel(model.model, INPUTS, (), None, settings)
        [found] = again(QUESTIONS[:1])
        assert bool(found.text) == answered
        assert (found.start >= 0) == answered


@pytest.mark.slow
def test_tokens_of_an_encoder_have_no_padding() -> None:
    model = text_model("encoder")
    for each, given in zip(model(TEXTS), TEXTS, strict=True):
        expected = model.model(INPUTS([given]))["sequence"][0]
        np.testing.assert_allclose(each.vectors, expected, atol=1e-6)
        assert len(each.tokens) == len(each.vectors)
    assert model(["a b"])[0].tokens == ["[CLS]", "a", "b", "[SEP]"]


def test_words_in_the_place_of_a_mask() -> None:
    found = text_model("fill_mask")(texts_for("fill_mask"))
    assert [len(each) for each in found] == [2, 0, 1]
    best = found[0][0]
    assert [x.score for x in best] == sorted(x.score for x in best)[::-1]
    assert {x.word for x in best} <= {*INPUTS.vocabulary}


@pytest.mark.quick("crf")
@pytest.mark.parametrize("task", ALL)
def test_alone_is_as_in_a_batch_and_order_stays(task: str) -> None:
    model, texts = text_model(task), texts_for(task)
    together = model(texts * 3, batch_size=4)
    # Reading questions takes a second per call.
    few = 2 if task == "question_answering" else len(texts) + 1
    for place, given in enumerate((texts * 3)[:few]):
        assert same(model([given])[0], together[place]), given


@pytest.mark.parametrize("task", ["classification", "question_answering"])
def test_generator_and_dataset_are_as_a_list(task: str) -> None:
    model, texts = text_model(task), texts_for(task)
    expected = model(texts)
    assert same(model(iter(texts)), expected)
    columns: Any = texts
    if task == "question_answering":
        columns = tuple(map(list, zip(*texts, strict=True)))
    dataset = tf.data.Dataset.from_tensor_slices(columns)
    assert same(list(model.stream(dataset.batch(2))), expected)
    if task == "classification":
        assert same(model.predict(dataset), expected)


@pytest.mark.parametrize("task", ALL)
def test_no_texts_give_nothing(task: str) -> None:
    found = text_model(task)([])
    assert len(found) == 0
    if task == "embedding":
        assert found.shape == (0, 8)


@pytest.mark.parametrize("task", ALL)
@pytest.mark.parametrize("row", [None, float("nan"), 3, b"a", ["a", None]])
def test_row_that_is_no_text_is_refused(task: str, row: Any) -> None:
    good = texts_for(task)[0]
    with pytest.raises(ValueError, match=r"`texts` must hold .* in row 1$"):
        text_model(task)([good, row])


def test_text_for_a_pair_and_the_other_way() -> None:
    with pytest.raises(ValueError, match="reads 2 texts a row"):
        text_model("pair")(["a"])
    with pytest.raises(ValueError, match="no pairs"):
        text_model("classification")([("a", "b")])


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, True])
def test_batch_size_that_is_none_is_refused(batch_size: Any) -> None:
    with pytest.raises(ValueError, match="`batch_size` must be "):
        text_model("classification")(TEXTS, batch_size)


@pytest.mark.parametrize("task", ["embedding", "classification", "tagging"])
def test_stream_reads_a_window_ahead(task: str) -> None:
    taken = itertools.count()

    def texts():
        while True:  # endless
            next(taken)
            yield "a b"

    stream = text_model(task).stream(texts(), batch_size=256)
    assert next(stream) is not None
    assert next(taken) <= WINDOW


@pytest.mark.slow
def test_vectors_alone_grow() -> None:
    # A thousand times more texts than are in memory at a time: texts and
    # results must not accumulate.
    model = keras_ctx.TextModel(
        models.embedder(encoder()), text.BertInputs(INPUTS.vocabulary, 24)
    )
    model(["a b"])
    number = 30_000
    tracemalloc.start()
    found = model(("a b c " * 3 for _ in range(number)), batch_size=1024)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.shape == (number, 8)
    # The array, last doubled when full, and one window.
    assert peak < 2 * found.nbytes + 4e6


@pytest.mark.slow
def test_a_million_texts_stream() -> None:
    model = text_model("embedding")
    tracemalloc.start()
    number = 1_000_000
    found = model((f"a {n % 7}" for n in range(number)), batch_size=1024)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.shape == (number, 8)
    assert peak < 2 * found.nbytes + 8e6


def test_cut_texts_are_counted() -> None:
    with pytest.warns(UserWarning, match="1 of 2 are longer than the model"):
        text_model("classification")([LONG, "a"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text_model("classification")(["a"])


def test_texts_of_another_language_are_told() -> None:
    with pytest.warns(UserWarning, match="are more than half .UNK."):
        text_model("embedding")(["x y z", "a b"])


def test_model_that_diverged_is_refused() -> None:
    model = models.classifier(encoder(), 2)
    model.weights[0].assign(np.full(model.weights[0].shape, np.nan))
    broken = keras_ctx.TextModel(model, INPUTS, ["a", "b"])
    with pytest.raises(ValueError, match="must give finite numbers"):
        broken(["a"])


def test_bar_on_demand(capsys: pytest.CaptureFixture) -> None:
    model = text_model("classification")
    model.predict(TEXTS)
    assert capsys.readouterr().out == ""
    model.predict(TEXTS, verbose=True)
    assert f"{len(TEXTS)}/{len(TEXTS)}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("task", "labels"),
    [
        ("classification", ["bad"] * len(TEXTS)),
        ("tagging", [["O"] * len(text.split()) for text in TEXTS]),
    ],
)
def test_evaluate_is_as_quiet_as_keras(
    task: str, labels: list, capsys: pytest.CaptureFixture
) -> None:
    model = text_model(task)
    texts = [text.split() for text in TEXTS] if task == "tagging" else TEXTS
    scores = model.evaluate(texts, labels, verbose=0)
    assert model.evaluate(texts, labels, 2, verbose="auto") == scores
    assert capsys.readouterr().out == ""
    assert model.evaluate(texts, labels, verbose=1) == scores
    assert f"{len(TEXTS)}/{len(TEXTS)}" in capsys.readouterr().out
    loud: Any = "loud"
    for call in (model.predict, lambda x, **y: model.evaluate(x, labels, **y)):
        with pytest.raises(ValueError, match="\"auto\", 0 or 1. .*='loud'"):
            call(texts, verbose=loud)


@pytest.mark.quick("encoder")
@pytest.mark.parametrize("task", ["classification", "tagging", "encoder"])
def test_layers_are_those_of_the_encoder(task: str) -> None:
    model = text_model(task)
    found = model.layers(["a b", "c"])
    assert [type(each) for each in found] == [Tokens, Tokens]
    for each, given in zip(found, ["a b", "c"], strict=True):
        layers = model.encoder(INPUTS([given]))["layers"]
        expected = np.stack([layer[0] for layer in layers])
        np.testing.assert_allclose(each.vectors, expected, atol=1e-6)


def test_attention_is_that_of_the_encoder() -> None:
    model = text_model("tagging")
    scores = models.attention_scores(model.encoder)
    found = model.attention(["a b", "c"])
    for each, given in zip(found, ["a b", "c"], strict=True):
        expected = scores(INPUTS([given]))["attention_scores"]
        expected = np.stack([x[0] for x in expected])
        np.testing.assert_allclose(each.vectors, expected, atol=1e-6)
        np.testing.assert_allclose(each.vectors.sum(-1), 1, atol=1e-6)


@pytest.mark.slow
def test_elmo_takes_text_too() -> None:
    elmo = randomized(
        models.elmo_encoder([(1, 4), (2, 5)], 6, 4, max_characters=8)
    )
    inputs = text.ElmoInputs(8)
    model = keras_ctx.TextModel(models.embedder(elmo), inputs)
    expected = [model.model(inputs([x]))["embedding"][0] for x in TEXTS[:2]]
    np.testing.assert_allclose(model(TEXTS[:2]), expected, atol=1e-5)
    assert model.layers(["a b"])[0].vectors.shape == (3, 2, 8)
    with pytest.raises(ValueError, match="LSTMs of an ELMo have none"):
        model.attention(["a"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"labels": ["a", "b", "c"]}, "name each of the 2 classes"),
        ({"labels": "ab"}, "a str has none"),
        ({"labels": []}, "`labels` must name the logits"),
        ({"task": "tagging"}, "`task` must be what the model is for"),
        ({"task": "nonsense"}, "`task` must be one of"),
        ({"text_inputs": text.ElmoInputs(5)}, "`text_inputs` must give"),
        (
            {
                "text_inputs": text.BertInputs(
                    [*INPUTS.vocabulary, *map(str, range(9))], 8
                )
            },
            "must have the vocabulary",
        ),
    ],
)
def test_parts_that_do_not_belong_together(
    arguments: dict[str, Any], said: str
) -> None:
    parts: dict[str, Any] = {"text_inputs": INPUTS, "labels": ["a", "b"]}
    with pytest.raises(ValueError, match=said):
        keras_ctx.TextModel(
            models.classifier(encoder(), 2), **{**parts, **arguments}
        )


def test_it_says_what_it_is() -> None:
    assert repr(text_model("tagging")) == (
        "TextModel(tagging, 'tagger', labels=['B-X', 'I-X', 'B-Y', 'I-Y', 'O'])"
    )


@pytest.mark.slow
def test_questions_asked_again_are_not_traced_again() -> None:
    traces = []

    class Counted(text.BertInputs):
        def __call__(self, text, text_pair=None):
            # Python code of a graph runs only while it is traced.
            if not tf.executing_eagerly():
                traces.append("features")
            return super().__call__(text, text_pair)

        def word_index(self, words, second_words=None):
            if not tf.executing_eagerly():
                traces.append("word_index")
            return super().word_index(words, second_words)

    made = text_model("question_answering")
    inputs = Counted(**INPUTS.get_config())
    model = keras_ctx.TextModel(made.model, inputs, settings=made.settings)
    first = model(QUESTIONS[:1])
    assert sorted(traces) == ["features", "word_index"]
    # Other lengths, numbers of windows and batch size.
    assert same(model(QUESTIONS, batch_size=3), made(QUESTIONS))
    assert model(QUESTIONS[:1]) == first
    assert len(traces) == 2


def test_no_mask_no_words_for_it() -> None:
    class Maskless(text.BertInputs):
        mask_id = property(lambda self: None, lambda self, value: None)

    inputs = Maskless(**INPUTS.get_config())
    model = models.bert_pretrainer(encoder())
    said = r"a mask token, such as \[MASK\].*Received: Maskless"
    with pytest.raises(ValueError, match=said):
        keras_ctx.TextModel(model, inputs)
    with pytest.raises(ValueError, match=said):
        serving.export(model, inputs, "saved")
