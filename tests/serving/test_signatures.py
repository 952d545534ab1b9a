"""Results of each signature, by hand and in NumPy, without an export."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from contracts.random_weights import randomized

from keras_ctx import models
from keras_ctx.serving import AnswerWindows
from keras_ctx.serving.signatures.build import signatures, task_of
from keras_ctx.text import SPECIAL_TOKENS, BertInputs, ElmoInputs, WordInputs

PIECES = [*SPECIAL_TOKENS, *"good book ##s 书 好 这 a b , .".split()]
TEXTS = ["Good books, 好书.", "", "a b a b a b a b a b a b a b a b"]
LABELS = ["bad", "so so", "很好"]


@pytest.fixture(scope="module")
def inputs() -> BertInputs:
    return BertInputs(PIECES, 12)


@pytest.fixture(scope="module")
def bert() -> keras.Model:
    return randomized(models.bert_encoder(len(PIECES), 2, 2, 8, 16, 12))


@pytest.fixture(scope="module")
def elmo() -> keras.Model:
    encoder = models.elmo_encoder([(1, 4), (2, 4)], 16, 4, max_characters=8)
    return randomized(encoder)


def made(
    model: keras.Model,
    inputs: Any,
    labels: Sequence[str] | None = None,
    pair: bool = False,
    top_k: int = 3,
) -> dict:
    windows = None
    if "start_logits" in model.output:
        windows = AnswerWindows(stride=4, max_question=4, max_answer=3)
    return signatures(model, inputs, labels, pair, top_k, windows)


def ask(signature: Any, *tensors: Any) -> dict[str, Any]:
    """Returns outputs as arrays, strings as lists of `str`."""
    specs = signature.inputs.values()
    outputs = signature.function(
        *(tf.constant(x, s.dtype) for x, s in zip(tensors, specs, strict=True))
    )
    return {key: readable(value.numpy()) for key, value in outputs.items()}


def readable(array: np.ndarray) -> Any:
    if array.dtype != object:
        return array
    return np.vectorize(bytes.decode, otypes=[object])(array).tolist()


def dense(words: Any) -> list[list[str]]:
    return [[w.decode() for w in row] for row in words.to_tensor("").numpy()]


def softmax(logits: Any) -> np.ndarray:
    exponents = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)


def test_names(bert, inputs) -> None:
    common = {"tokens", "features", "embed"}
    cases = {
        "classify": (models.classifier(bert, 3), LABELS),
        "regress": (models.classifier(bert, 1), None),
        "tag": (models.tagger(bert, 3), LABELS),
        "answer": (models.span_extractor(bert), None),
        "fill_mask": (models.bert_pretrainer(bert), None),
        "embed": (models.embedder(bert), None),
        "serving_default": (models.classifier(bert, 3), None),
    }
    for task, (model, labels) in cases.items():
        found = made(model, inputs, labels)
        assert next(iter(found)) == task == task_of(model, labels)
        extra = {"classify", "regress"} & {task}
        assert found.keys() == common | {task} | {
            f"{x}_examples" for x in extra
        }


def test_classify(bert, inputs) -> None:
    model = models.classifier(bert, 3, mix="scalar_mix")
    found = ask(made(model, inputs, LABELS)["classify"], TEXTS)
    scores = softmax(model(inputs(TEXTS))["logits"])
    for row, score in enumerate(scores):
        order = np.argsort(-score)
        assert found["labels"][row] == [LABELS[i] for i in order]
        np.testing.assert_allclose(
            found["scores"][row], score[order], atol=1e-6
        )
    # [CLS] good book ##s , 好 书 . [SEP]
    assert found["num_tokens"].tolist() == [9, 2, 18]
    assert found["truncated"].tolist() == [False, False, True]


def test_pairs(bert, inputs) -> None:
    model = models.classifier(bert, 3)
    signature = made(model, inputs, LABELS, pair=True)
    assert list(signature["classify"].inputs) == ["text", "second_text"]
    second = ["a", "b b", "书"]
    found = ask(signature["classify"], TEXTS, second)
    scores = softmax(model(inputs(TEXTS, second))["logits"])
    np.testing.assert_allclose(
        found["scores"], -np.sort(-scores, axis=-1), atol=1e-6
    )
    assert found["num_tokens"].tolist() == [11, 5, 20]
    words = [dense(inputs.words(x).words) for x in (TEXTS, second)]
    assert list(signature["tokens"].inputs) == ["tokens", "second_tokens"]
    same = ask(signature["tokens"], *words)
    np.testing.assert_allclose(same["scores"], found["scores"], atol=1e-6)


def test_examples(bert, inputs) -> None:
    def example(**texts: str) -> bytes:
        features = {
            key: tf.train.Feature(
                bytes_list=tf.train.BytesList(value=[text.encode()])
            )
            for key, text in texts.items()
        }
        return tf.train.Example(
            features=tf.train.Features(feature=features)
        ).SerializeToString()

    signature = made(models.classifier(bert, 3), inputs, LABELS)
    assert signature["classify_examples"].method == "classify"
    rows = [example(text=text) for text in TEXTS]
    found = ask(signature["classify_examples"], rows)
    right = ask(signature["classify"], TEXTS)
    assert found.keys() == {"classes", "scores"}
    assert found["classes"] == right["labels"]
    np.testing.assert_array_equal(found["scores"], right["scores"])

    signature = made(models.classifier(bert, 1), inputs, pair=True)
    assert signature["regress_examples"].method == "regress"
    rows = [example(text=text, second_text="a") for text in TEXTS]
    found = ask(signature["regress_examples"], rows)
    right = ask(signature["regress"], TEXTS, ["a"] * 3)
    assert found.keys() == {"outputs"}
    np.testing.assert_array_equal(found["outputs"], right["score"])


def test_regress(bert, inputs) -> None:
    model = models.classifier(bert, 1)
    found = ask(made(model, inputs)["regress"], TEXTS)
    expected = np.asarray(model(inputs(TEXTS))["logits"])[:, 0]
    np.testing.assert_allclose(found["score"], expected, atol=1e-6)


def test_tag_stands_on_the_first_piece(bert, inputs) -> None:
    model = models.tagger(bert, 3)
    found = ask(made(model, inputs, LABELS)["tag"], TEXTS)
    assert found["words"][:2] == [
        ["Good", "books", ",", "好", "书", "."] + [""] * 10,
        [""] * 16,
    ]
    assert found["starts"][0].tolist() == [0, 5, 10, 12, 13, 14] + [-1] * 10
    assert found["ends"][0].tolist() == [4, 10, 11, 13, 14, 15] + [-1] * 10
    scores = softmax(model(inputs(TEXTS))["logits"])
    # Positions of the words' first pieces; [CLS] is 0.
    for row, places in enumerate([[1, 2, 4, 5, 6, 7], [], [*range(1, 11)]]):
        best = scores[row][places]
        tags = [LABELS[i] for i in best.argmax(-1)] if places else []
        missing = 16 - len(places)
        assert found["tags"][row] == tags + [""] * missing
        expected = [*(x.max() for x in best), *[0.0] * missing]
        np.testing.assert_allclose(found["scores"][row], expected, atol=1e-6)
    assert found["truncated"].tolist() == [False, False, True]

    words = dense(inputs.words(TEXTS).words)
    same = ask(made(model, inputs, LABELS)["tokens"], words)
    assert same.keys() == found.keys() - {"starts", "ends"}
    assert same["tags"] == found["tags"]


def test_tag_with_a_crf(elmo) -> None:
    inputs = ElmoInputs(8, max_length=5)
    model = randomized(models.tagger(elmo, 3, crf=True))
    texts = ["in 北京 now", "", "a b c d e f g"]
    found = ask(made(model, inputs, LABELS)["tag"], texts)
    outputs = {k: np.asarray(x) for k, x in model(inputs(texts)).items()}
    for row, count in enumerate([3, 0, 5]):
        path = outputs["tags"][row][:count]
        tags = [LABELS[i] for i in path]
        assert found["tags"][row] == tags + [""] * (7 - count)
        scores = outputs["scores"][row][np.arange(count), path]
        np.testing.assert_allclose(
            found["scores"][row], [*scores, *[0.0] * (7 - count)], atol=1e-6
        )
        total, before = 0.0, 0
        for token, tag in enumerate(path):
            total += outputs["logits"][row, token, before, tag]
            before = tag
        np.testing.assert_allclose(
            found["path_log_probability"][row], total, atol=1e-5
        )
    assert found["words"][2] == [*"abcdefg"]
    assert found["truncated"].tolist() == [False, False, True]


def test_fill_mask(bert, inputs) -> None:
    model = models.bert_pretrainer(bert)
    texts = ["[MASK] book", "a", "good [MASK] 好 [MASK]"]
    found = ask(made(model, inputs)["fill_mask"], texts)
    assert found["num_masks"].tolist() == [1, 0, 2]
    reading = BertInputs(PIECES, 12, special_tokens_in_text=True)
    features = reading(texts)
    features["masked_positions"] = tf.constant([[1, 0], [0, 0], [2, 4]])
    shares = softmax(model(features)["masked_lm"])
    for row, mask in ((0, 0), (2, 0), (2, 1)):
        order = np.argsort(-shares[row, mask])[:3]
        assert found["words"][row][mask] == [PIECES[i] for i in order]
        np.testing.assert_allclose(
            found["scores"][row, mask], shares[row, mask, order], atol=1e-6
        )
    for row, mask in ((0, 1), (1, 0), (1, 1)):
        assert found["words"][row][mask] == [""] * 3
        assert found["scores"][row, mask].tolist() == [0.0] * 3


@pytest.mark.parametrize("kind", ["bert", "elmo", "words"])
def test_embed_gives_every_layer(kind: str, bert, elmo, inputs) -> None:
    if kind == "words":
        inputs = WordInputs(["<S>", "</S>", "<UNK>", "a"], max_length=12)
        encoder = randomized(models.elmo_word_encoder(4, 16, 4))
    else:
        encoder = bert if kind == "bert" else elmo
        inputs = inputs if kind == "bert" else ElmoInputs(8, max_length=12)
    found = ask(made(encoder, inputs)["embed"], TEXTS)
    expected = encoder(inputs(TEXTS))
    np.testing.assert_allclose(
        found["layers"], np.stack(expected["layers"], axis=1), atol=1e-6
    )
    for key in ("sequence", "pooled"):
        np.testing.assert_allclose(found[key], expected[key], atol=1e-6)
    assert found["tokens"] == readable(inputs.tokens(TEXTS).numpy())
    assert found.keys() == {
        *("layers", "sequence", "pooled", "tokens", "num_tokens", "truncated")
    }


def test_embed_of_a_model_with_a_task(bert, elmo, inputs) -> None:
    for encoder, reading in ((bert, inputs), (elmo, ElmoInputs(8))):
        expected = encoder(reading(TEXTS))
        model = randomized(models.tagger(encoder, 3, mix="scalar_mix"))
        found = ask(made(model, reading, LABELS)["embed"], TEXTS)
        np.testing.assert_allclose(
            found["layers"], np.stack(expected["layers"], axis=1), atol=1e-6
        )
        mixed = model.get_layer("scalar_mix")(
            expected["layers"], padding_mask=expected["padding_mask"]
        )
        np.testing.assert_allclose(found["mix"], mixed, atol=1e-6)
    # A classifier reads `pooled`; a tagger on the last layer does not.
    pooled = ask(made(models.classifier(bert, 3), inputs)["embed"], TEXTS)
    expected = bert(inputs(TEXTS))["pooled"]
    np.testing.assert_allclose(pooled["pooled"], expected, atol=1e-6)
    model = models.tagger(bert, 3)
    assert "pooled" not in ask(made(model, inputs)["embed"], TEXTS)


def test_distinct_words(elmo) -> None:
    inputs = ElmoInputs(8, distinct=True)
    model = models.classifier(models.distinct_words(elmo), 3)
    plain = models.classifier(elmo, 3)
    plain.set_weights(model.get_weights())
    found = made(model, inputs, LABELS)
    right = made(plain, ElmoInputs(8), LABELS)
    for name in ("classify", "embed"):
        ours, theirs = ask(found[name], TEXTS), ask(right[name], TEXTS)
        for key, value in theirs.items():
            if isinstance(value, list):
                assert ours[key] == value
            else:
                np.testing.assert_allclose(ours[key], value, atol=1e-6)


def test_features_derive_the_mask(bert, inputs) -> None:
    signature = made(bert, inputs)["features"]
    assert list(signature.inputs) == ["token_ids", "segment_ids"]
    features = inputs(TEXTS)
    found = ask(signature, features["token_ids"], features["segment_ids"])
    expected = bert(features)
    np.testing.assert_allclose(
        found["sequence"], expected["sequence"], atol=1e-6
    )
    assert found.keys() == {"layers", "sequence", "pooled"}


def test_nothing_but_white_space_and_no_rows(bert, inputs) -> None:
    heads = {
        "classify": (models.classifier(bert, 3), LABELS, 1),
        "tag": (models.tagger(bert, 3), LABELS, 1),
        "answer": (models.span_extractor(bert), None, 2),
        "fill_mask": (models.bert_pretrainer(bert), None, 1),
        "embed": (bert, None, 1),
    }
    for name, (model, labels, count) in heads.items():
        found = made(model, inputs, labels)
        for texts in (["", " \n"], []):
            for key, value in ask(found[name], *[texts] * count).items():
                assert len(value) == len(texts), (name, key)
                if not isinstance(value, list):
                    assert np.isfinite(value).all()
        empty = tf.zeros([2, 0], tf.string)
        ask(found["tokens"], *[empty] * count)


def test_a_blank_word_keeps_its_place(bert, inputs) -> None:
    found = made(models.tagger(bert, 3), inputs, LABELS)["tokens"]
    answer = ask(found, [["a", "", "b", ""], ["", "", "", ""]])
    assert answer["words"] == [["a", "", "b"], ["", "", ""]]
    tagged = [[bool(tag) for tag in row] for row in answer["tags"]]
    assert tagged == [[True, True, True], [False, False, False]]
