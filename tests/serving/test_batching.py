"""Answers of a server that batches concurrent requests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from batching_server import Refused, answer_batch
from contracts.random_weights import randomized
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from keras_ctx import models
from keras_ctx.serving.export.sample_requests import sample_requests
from keras_ctx.serving.export.warm_up import FILE, write_warm_up
from keras_ctx.serving.signatures.build import signatures
from keras_ctx.serving.signatures.signature import Signature
from keras_ctx.text import SPECIAL_TOKENS, BertInputs, ElmoInputs

PIECES = [*SPECIAL_TOKENS, *"good book ##s 书 好 这 a b , .".split()]
LABELS = ["bad", "so so", "很好"]


@pytest.fixture(scope="module")
def distinct() -> dict[str, Signature]:
    return signatures(*distinct_model(), None, False, 3)


def distinct_model() -> tuple[keras.Model, ElmoInputs]:
    encoder = models.elmo_encoder([(1, 4)], 4, 4, max_characters=8)
    inputs = ElmoInputs(8, max_length=12, distinct=True)
    return models.distinct_words(randomized(encoder)), inputs


@pytest.fixture(scope="module")
def tagger() -> dict[str, Signature]:
    encoder = models.bert_encoder(len(PIECES), 1, 2, 8, 16, 12)
    model = randomized(models.tagger(encoder, 3))
    return signatures(model, BertInputs(PIECES, 12), LABELS, False, 3)


def ask(signature: Signature, *requests: Mapping) -> list[Any]:
    def run(inputs: Mapping) -> dict:
        tensors = [
            tf.constant(inputs[name], spec.dtype)
            for name, spec in signature.inputs.items()
        ]
        outputs = signature.function(*tensors)
        return {name: x.numpy() for name, x in outputs.items()}

    return answer_batch(run, requests)


def same(found: Mapping, expected: Mapping, **lengths: int) -> None:
    """Checks that outputs, cut to `lengths`, equal the expected ones."""
    assert found.keys() == expected.keys()
    for name, right in expected.items():
        given = found[name]
        if name in lengths:
            given, right = given[:, : lengths[name]], right[:, : lengths[name]]
            # The rest is padding.
            assert not np.any(found[name][:, lengths[name] :] == b"a")
        if right.dtype.kind == "f":
            np.testing.assert_allclose(given, right, atol=1e-6, err_msg=name)
        else:
            np.testing.assert_array_equal(given, right, err_msg=name)


@pytest.mark.quick("pieces")
@pytest.mark.parametrize("kind", ["distinct words", "pieces"])
def test_warm_up_is_answered_by_a_server_that_batches(
    kind: str, tmp_path: Path
) -> None:
    if kind == "distinct words":
        model, inputs = distinct_model()
    else:
        model = models.bert_encoder(len(PIECES), 1, 2, 8, 16, 12)
        inputs = BertInputs(PIECES, 12)
    made = signatures(model, inputs, None, False, 3)
    requests = sample_requests(made, model, inputs, ["a b", "a", ""])
    write_warm_up(tmp_path, "model", made, requests)
    asked = set()
    records = tf.data.TFRecordDataset(str(tmp_path / FILE))
    for record in records.as_numpy_iterator():
        request = PredictionLog.FromString(record).predict_log.request
        name = request.model_spec.signature_name
        arrays = {x: tf.make_ndarray(y) for x, y in request.inputs.items()}
        [answer] = ask(made[name], arrays)
        assert not isinstance(answer, Refused), (name, answer)
        asked.add(name)
    # All possible requests are included: a missing op stops the version.
    missing = {"features"} if kind == "distinct words" else set()
    assert asked == made.keys() - missing


def test_warm_up_is_no_longer_than_a_server_takes(
    tagger, tmp_path: Path
) -> None:
    requests = [
        (name, {key: ["a"] for key in tagger[name].inputs})
        for name in ("tag", "embed")
        for _ in range(3000)
    ]
    last = [(name, {"text": [f"last {name}"]}) for name in ("tag", "embed")]
    write_warm_up(tmp_path, "model", tagger, [*requests, *last])
    records = tf.data.TFRecordDataset(str(tmp_path / FILE)).as_numpy_iterator()
    found = [PredictionLog.FromString(x).predict_log.request for x in records]
    assert len(found) <= 1000
    texts = [x.inputs["text"].string_val[0] for x in found]
    assert texts.count(b"last tag") == texts.count(b"last embed") == 1
    assert texts.count(b"a") == 998


def test_tables_of_two_requests_are_never_joined(distinct) -> None:
    """If there are as many rows as words, the server cannot tell."""
    features = distinct["features"]
    inputs = ElmoInputs(8, distinct=True)
    requests = [
        {name: x.numpy() for name, x in inputs([text] * 5).items()}
        for text in ("a b", "c d")
    ]
    assert all(len(x) == 5 for one in requests for x in one.values())
    [alone] = ask(features, requests[1])
    expected = distinct["embed"].function(tf.constant(["c d"] * 5))
    np.testing.assert_allclose(
        alone["sequence"], expected["sequence"], atol=1e-6
    )
    for answer in ask(features, *requests):
        assert isinstance(answer, Refused)
        assert "the table of one request" in str(answer)
    # A word spelled like a marker does not begin a table, nor do blank rows.
    odd = inputs(["<S> </S> a", "</S> <S>"])
    found = ask(features, {name: x.numpy() for name, x in odd.items()})
    assert isinstance(found[0], Refused)  # 4 words, 2 rows: by the server
    assert features.function(*(odd[name] for name in features.inputs))
    blank = [tf.zeros([5, 8], tf.int32), tf.zeros([2, 3], tf.int32)]
    assert features.function(*blank)


def test_other_tables_of_distinct_words_are_refused_by_the_server(
    distinct,
) -> None:
    inputs = ElmoInputs(8, distinct=True)
    request = {name: x.numpy() for name, x in inputs(["a b c"]).items()}
    [answer] = ask(distinct["features"], request)
    assert "equal 0th-dimension size" in str(answer)


def test_words_need_rows_of_one_width(tagger) -> None:
    tokens = tagger["tokens"]
    short = {"tokens": [["a", "b"]]}
    long = {"tokens": [["a", "", "good", "book", "a"], ["b", "", "", "", ""]]}
    for answer in ask(tokens, short, long):
        assert "different shapes" in str(answer)
    # Padded with "", all are answered as if alone.
    wide = [
        {"tokens": [row + [""] * (8 - len(row)) for row in one["tokens"]]}
        for one in (short, long)
    ]
    together = ask(tokens, *wide)
    for one, answer in zip((short, long), together, strict=True):
        [alone] = ask(tokens, one)
        width = len(one["tokens"][0])
        by_word = dict.fromkeys(("words", "tags", "scores"), width)
        same(answer, alone, **by_word)


def test_positions_are_cut_by_num_tokens(tagger) -> None:
    requests = {"text": ["a"]}, {"text": ["a good book, a b"]}
    found, _ = ask(tagger["embed"], *requests)
    [alone] = ask(tagger["embed"], requests[0])
    assert found["tokens"].shape[1] > alone["tokens"].shape[1]
    count = int(found["num_tokens"][0])
    assert alone["tokens"].shape == (1, count) == (1, 3)
    layers = found.pop("layers"), alone.pop("layers")
    same(found, alone, sequence=count, tokens=count)
    np.testing.assert_allclose(layers[0][:, :, :count], layers[1], atol=1e-6)


def test_texts_of_any_length_go_together(tagger) -> None:
    requests = [{"text": ["a"]}, {"text": ["a good book", "b"]}]
    for one, answer in zip(
        requests, ask(tagger["tag"], *requests), strict=True
    ):
        [alone] = ask(tagger["tag"], one)
        width = int(alone["words"].shape[1] or 0)
        by_word = ("words", "tags", "scores", "starts", "ends")
        same(answer, alone, **{name: width for name in by_word})


def test_ids_need_rows_of_one_width(tagger) -> None:
    features = tagger["features"]
    inputs = BertInputs(PIECES, 12)
    texts = ["a"], ["a good book"]
    requests = [
        {
            name: x.numpy()
            for name, x in inputs(text).items()
            if name in features.inputs
        }
        for text in texts
    ]
    assert all(isinstance(x, Refused) for x in ask(features, *requests))
    wide = [
        {
            name: np.pad(x, [(0, 0), (0, 12 - x.shape[1])])
            for name, x in y.items()
        }
        for y in requests
    ]
    for one, answer in zip(requests, ask(features, *wide), strict=True):
        [alone] = ask(features, one)
        same(answer, alone, logits=len(one["token_ids"][0]))


def test_a_request_without_rows_is_never_answered(tagger) -> None:
    with pytest.raises(TimeoutError):
        ask(tagger["tag"], {"text": np.zeros(0, object)})
