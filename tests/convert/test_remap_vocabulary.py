"""An AWD-LSTM with another vocabulary."""

import keras
import numpy as np
import pytest
from contracts.random_weights import randomized

from keras_ctx import models
from keras_ctx.convert import remap_vocabulary

OLD = ["xxunk", "xxpad", "the", "law", "good", "xxfake", "xxfake"]
NEW = ["xxunk", "xxpad", "film", "good", "the", "actor", "xxfake", "xxfake"]
IDS = np.array([[4, 2, 0]])


def encoder(**arguments) -> keras.Model:
    return models.awd_lstm_encoder(len(OLD), 4, 5, num_layers=2, **arguments)


@pytest.mark.parametrize("tied", [True, False])
def test_known_words_keep_their_row_and_new_ones_get_the_mean(tied) -> None:
    model = randomized(
        models.awd_lstm_language_model(encoder(tied=tied), tied=tied)
    )
    copy = remap_vocabulary(model, OLD, NEW)
    sources = [0, 1, None, 4, 2, None, 6, 6]
    pairs = [
        (x.get_layer("embeddings").get_weights()[0]) for x in (model, copy)
    ]
    tables = [pairs]
    if tied:
        tables.append(
            [x.get_layer("output_bias").get_weights()[0] for x in (model, copy)]
        )
    else:
        outputs = [x.get_layer("output").get_weights() for x in (model, copy)]
        tables.append([x[0].T for x in outputs])
        tables.append([x[1] for x in outputs])
    for old, new in tables:
        assert len(new) == len(NEW)
        for k, source in enumerate(sources):
            wanted = old.mean(axis=0) if source is None else old[source]
            np.testing.assert_allclose(new[k], wanted, rtol=0, atol=1e-7)

    # The rest of the model is the same: what it says of words of both, too.
    def logits(model, words, ids):
        given = {"token_ids": ids, "padding_mask": np.ones(ids.shape, bool)}
        found = np.asarray(model(given)["next_token"])[0]
        return found[:, [words.index(x) for x in ("the", "good", "xxunk")]]

    again = np.array([[NEW.index(OLD[k]) for k in IDS[0]]])
    np.testing.assert_allclose(
        logits(copy, NEW, again), logits(model, OLD, IDS), rtol=0, atol=1e-6
    )
    ours = {id(x) for x in model.weights}
    assert not ours & {id(x) for x in copy.weights}


def test_encoder_and_its_name() -> None:
    model = randomized(encoder())
    copy = remap_vocabulary(model, OLD, NEW)
    assert copy.name == model.name
    assert models.family_of(copy).sizes(copy) == {"vocabulary_size": len(NEW)}
    for layer in ("lstm_0", "lstm_1"):
        for x, y in zip(
            *(m.get_layer(layer).get_weights() for m in (model, copy)),
            strict=True,
        ):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (OLD[:-1], NEW, "`vocabulary` must have the 7 tokens .* Received: 6"),
        (OLD[:5] + ["a", "a"], NEW, r"`vocabulary` must have each.*\['a'\]"),
        (OLD, [*NEW, "the"], r"`new` must have each token once.*\['the'\]"),
        (OLD, [], "`new` must have each token once, and one or more"),
        (OLD, ["film", "actor"], "`new` must have a token of `vocabulary`"),
    ],
)
def test_error_of_a_vocabulary(old, new, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        remap_vocabulary(encoder(), old, new)


def test_error_of_another_model() -> None:
    for model in (
        models.gpt_encoder(7, 1, 2, 8, 8, 8),
        models.classifier(encoder(), 2),
        models.mt_lstm_encoder(7, 4, 4),
    ):
        with pytest.raises(ValueError, match="`model` must be one of `models"):
            remap_vocabulary(model, OLD, NEW)
