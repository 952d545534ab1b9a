"""Served semantic roles: the answers of Python, spans, and refusals."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import fine_tuning, models, serving, text
from keras_ctx.evaluation import Proposition
from keras_ctx.serving.card.example_texts import example_of
from keras_ctx.serving.export.check_roles import check_roles
from keras_ctx.serving.rest.client.cut_answer import cut_answer
from keras_ctx.serving.signatures.build import signatures
from keras_ctx.text_model import TextModel

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefg", "##b"]
LABELS = ["O", "B-A0", "I-A0", "B-A1", "I-A1"]
WORDS = ["ab c d e", "c", "f g a b d e c"]
BERT = text.BertInputs(PIECES, 10)


def bert() -> keras.Model:
    encoder = models.bert_encoder(len(PIECES), 1, 2, 8, 16, 10)
    return spread(models.semantic_roles(encoder, 5, predicate_dim=4))


def word_vectors() -> keras.Model:
    return spread(
        models.semantic_roles(
            models.word_vector_encoder(4, 6),
            5,
            body="highway_lstm",
            num_layers=2,
            hidden_dim=6,
            predicate_dim=4,
        )
    )


def spread(model: keras.Model) -> keras.Model:
    """Sets large random weights, so that all tags occur."""
    rng = np.random.default_rng(7)
    for weight in model.weights:
        if len(weight.shape) > 1:  # norms and biases stay
            weight.assign(rng.normal(size=weight.shape))
    return model


def asking(signature: Any, graph: bool = True) -> Any:
    """Returns a signature as a function of arrays, in a graph or op by op."""
    specs = list(signature.inputs.values())
    function = signature.function
    if graph:
        function = tf.function(function, input_signature=specs)

    def ask(*given: Any) -> dict[str, Any]:
        pairs = zip(given, specs, strict=True)
        found = function(*(tf.constant(x, spec.dtype) for x, spec in pairs))
        return {key: readable(x.numpy()) for key, x in found.items()}

    return ask


def readable(x: np.ndarray) -> np.ndarray:
    return np.vectorize(bytes.decode, "O")(x) if x.dtype == object else x


# Model, text inputs, place, and the words that fit: of ten positions three are
# special, and one is the predicate's.
CASES = {
    "bert": (bert, BERT, "second_segment", 6),
    "words": (
        word_vectors,
        text.WordVectorInputs([*"abcd"], max_length=4),
        "flag",
        4,
    ),
}


@pytest.mark.quick("words")
@pytest.mark.parametrize("name", CASES)
def test_answers_are_those_of_python(name: str) -> None:
    make_model, inputs, place, limit = CASES[name]
    model = make_model()
    made = signatures(model, inputs, LABELS, False, 5, predicate=place)
    assert list(made) == ["roles", "tokens", "features", "embed"]
    # Each word of each sentence as the predicate.
    asked = [
        Proposition(sentence.split(), number)
        for sentence in WORDS
        for number in range(len(sentence.split()))
    ]
    right = fine_tuning.predict_roles(
        model, asked, LABELS, inputs, 3, place, verbose=False
    )
    assert len({tag for one in right for tag in one.tags()}) > 3
    predicates = [one.predicate for one in asked]
    found = asking(made["roles"])(
        [" ".join(x.words) for x in asked], predicates
    )
    for row, one in enumerate(right):
        count, is_cut = len(one.words), one.predicate >= limit
        kept = 0 if is_cut else min(count, limit)
        assert found["predicate_cut"][row] == is_cut
        assert found["truncated"][row] == (count > limit)
        tags = found["tags"][row].tolist()
        assert tags[:kept] == one.tags()[:kept]
        assert set(tags[kept:]) <= {""} and set(one.tags()[kept:]) <= {"O"}
        spans = zip(
            found["role_starts"][row].tolist(),
            found["role_ends"][row].tolist(),
            found["roles"][row].tolist(),
            strict=True,
        )
        empty = [(-1, -1, "")] * (len(tags) - len(one.arguments))
        assert list(spans) == [*one.arguments, *empty]
        assert found["words"][row].tolist()[:count] == one.words
        scores = found["scores"][row]
        assert (scores[:kept] > 0).all() and (scores[kept:] == 0).all()
    width = max(len(x.words) for x in asked)
    rows = [[*x.words, *[""] * (width - len(x.words))] for x in asked]
    same = asking(made["tokens"], graph=False)(rows, predicates)
    assert same.keys() == found.keys() - {"starts", "ends"}
    np.testing.assert_allclose(same.pop("scores"), found["scores"], atol=1e-6)
    for key, value in same.items():
        np.testing.assert_array_equal(value, found[key], key)


def test_scores_positions_and_wrong_predicates() -> None:
    model, inputs = word_vectors(), text.WordVectorInputs([*"abcd"])
    made = signatures(model, inputs, LABELS, False, 5, predicate="flag")
    ask = asking(made["roles"])
    found = ask(["a  b cd", "d"], [2, 0])
    assert found["starts"].tolist() == [[0, 3, 5], [0, -1, -1]]
    assert found["ends"].tolist() == [[1, 4, 7], [1, -1, -1]]
    assert found["num_tokens"].tolist() == [3, 1]
    features = inputs(["a b cd", "d"])
    flags = tf.constant([[0, 0, 1], [1, 0, 0]])
    logits = np.asarray(model({**features, "predicate": flags})["logits"])
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    for row, number in ((0, 3), (1, 1)):
        for word in range(number):
            tag = LABELS.index(str(found["tags"][row, word]))
            np.testing.assert_allclose(
                found["scores"][row, word], shares[row, word, tag], atol=1e-6
            )
    own = asking(made["features"], graph=False)
    own = own(features["word_ids"], flags)["logits"]
    np.testing.assert_allclose(own, logits, atol=1e-5)
    for key, value in ask([], []).items():
        assert len(value) == 0, key
    # What is refused, by the same graph.
    for texts, predicates, message in (
        (["a b", "c"], [1, 1], r"position of a word.*from 0.*\[1\] \[1\]"),
        (["a b", "c"], [-1, 0], r"position of a word.*\[-1\] \[2\]"),
        (["a b", ""], [0, 0], r"position of a word.*\[0\] \[0\]"),
        (
            ["a b", "c"],
            [0],
            r"`predicate` must have a row for each.*\[1\] \[2\]",
        ),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            ask(texts, predicates)


def test_what_an_export_needs(tmp_path) -> None:
    model = word_vectors()
    inputs = text.WordVectorInputs([*"abcd"])
    wrong: list[tuple[Any, str]] = [
        ({"labels": LABELS}, "`predicate` must be .*flag.*None"),
        ({"predicate": "flag"}, "`labels` must be the tags"),
        ({"labels": LABELS, "predicate": "word"}, "`predicate` must be"),
        (
            {"labels": LABELS, "predicate": "second_segment"},
            "needs a model with segments",
        ),
        (
            {"labels": [*"ABCDE"], "predicate": "flag"},
            "`labels` of a model of semantic roles must be tags in IOB2",
        ),
        (
            {
                "labels": LABELS,
                "predicate": "flag",
                "windows": serving.TextWindows(),
            },
            "`windows` must be .*'roles'",
        ),
        (
            {"labels": LABELS, "predicate": "flag", "pair": True},
            "`pair` is for a model",
        ),
    ]
    for options, message in wrong:
        with pytest.raises(ValueError, match=message):
            serving.export(model, inputs, tmp_path, **options)
    with pytest.raises(ValueError, match="is for a model of semantic roles"):
        check_roles("tag", model, LABELS, "flag")
    assert not any(tmp_path.iterdir())


def test_the_example_of_a_card_has_its_predicate() -> None:
    for inputs, most in (
        (BERT, 6),
        (text.WordVectorInputs(["a"]), 5),
        # A Chinese sentence that is split by white space is one word.
        (text.WordVectorInputs(["很好", "书"]), 1),
        (text.BertInputs([*PIECES[:5], *"他写书"], 16, split="character"), 7),
    ):
        [[sentence], [place]] = example_of("roles", [], inputs).values()
        words = inputs.words(tf.constant([sentence])).words[0].numpy()
        assert len(words) == most
        verb = words[place].decode()
        assert verb in ("answered", "写") or most == 1


def test_a_string_model_does_not_take_it() -> None:
    with pytest.raises(ValueError, match="`model` must read texts alone"):
        TextModel(word_vectors(), text.WordVectorInputs([*"abcd"]), LABELS)


def test_a_client_cuts_spans_and_words() -> None:
    shapes = {
        **dict.fromkeys(("words", "tags", "roles", "role_starts"), [-1, -1]),
        "predicate_cut": [-1],
    }
    answer = {
        "words": ["a", "b", ""],
        "tags": ["B-A0", "O", ""],
        "roles": ["A0", "", ""],
        "role_starts": [0, -1, -1],
        "predicate_cut": False,
    }
    assert cut_answer(shapes, answer) == {
        "words": ["a", "b"],
        "tags": ["B-A0", "O"],
        "roles": ["A0"],
        "role_starts": [0],
        "predicate_cut": False,
    }
