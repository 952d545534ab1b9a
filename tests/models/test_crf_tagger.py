"""Taggers with a CRF."""

import keras
import numpy as np
import pytest

from keras_ctx import data, models, text, training

SENTENCES = [
    ["New", "York", "is", "big"],
    ["Yes"],
    ["He", "left", "New", "York"],
]
TAGS = [[1, 2, 0, 0], [0], [0, 0, 1, 2]]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def bert() -> tuple:
    # "york" is two pieces; the first has the tag.
    words = ["new", "yo", "##rk", "is", "big", "yes", "he", "left"]
    inputs = text.BertInputs([*SPECIAL, *words], 12)
    return inputs, models.bert_encoder(13, 1, 2, 16, 16, 12)


def elmo() -> tuple:
    inputs = text.ElmoInputs(8)
    return inputs, models.elmo_encoder(
        [(1, 8), (2, 8)], 16, 8, max_characters=8
    )


def dataset(inputs, training: bool):
    return data.tagging_dataset(
        SENTENCES, TAGS, inputs, batch_size=3, training=training
    )


@pytest.mark.slow
@pytest.mark.parametrize("family", [bert, elmo])
def test_learns_and_comes_back_from_its_file(family, tmp_path) -> None:
    inputs, encoder = family()
    model = models.tagger(encoder, 3, "scalar_mix", dropout=0.0, crf=True)
    model.compile(
        training.bert_optimizer(0.02, 40),
        loss={"logits": training.CRFLoss()},
        jit_compile=False,
    )
    history = model.fit(
        dataset(inputs, training=True),
        epochs=4,
        steps_per_epoch=10,
        shuffle=False,
        verbose=0,
    )
    losses = history.history["loss"]
    assert losses[-1] < 0.1 < losses[0]
    [(features, targets, weights)] = dataset(inputs, training=False)
    known = np.asarray(weights["logits"]) > 0
    assert known.sum() == 9
    found = model.predict_on_batch(features)
    expected = np.asarray(targets["logits"])
    np.testing.assert_array_equal(found["tags"][known], expected[known])
    # Weights and loss are in the file: training continues.
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for key, value in loaded.predict_on_batch(features).items():
        np.testing.assert_array_equal(value, found[key])
    evaluated = [
        x.evaluate(dataset(inputs, training=False), verbose=0)
        for x in (model, loaded)
    ]
    assert evaluated[0] == evaluated[1]


def test_layers_and_weights_have_documented_names() -> None:
    _, encoder = bert()
    model = models.tagger(encoder, 3, frozen=True, crf=True)
    assert [w.path for w in model.trainable_weights] == [
        *("logits/kernel", "logits/bias"),
        *("crf/transitions", "crf/start", "crf/end"),
    ]


def test_starts_with_the_tags_of_the_same_tagger_without() -> None:
    inputs, encoder = bert()
    plain = models.tagger(encoder, 3)
    chained = models.tagger(encoder, 3, crf=True)
    chained.get_layer("logits").set_weights(
        plain.get_layer("logits").get_weights()
    )
    features = inputs(["new york is big", "yes"])
    best = np.asarray(plain(features)["logits"]).argmax(-1)
    real = np.asarray(features["padding_mask"])
    np.testing.assert_array_equal(
        chained(features)["tags"], np.where(real, best, -1)
    )


def test_constraints_come_back_from_the_file(tmp_path) -> None:
    inputs, encoder = bert()
    pairs = [(3, 0), *((i, i) for i in range(3)), (0, 4)]
    model = models.tagger(encoder, 3, crf=True, constraints=pairs)
    model.get_layer("crf").start.assign([-5.0, 0.0, 5.0])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("crf").constraints == tuple(sorted(pairs))
    tags = np.asarray(loaded(inputs(["new york is big"]))["tags"])
    assert not tags.any()


def test_error_of_constraints_without_a_crf() -> None:
    _, encoder = bert()
    with pytest.raises(ValueError, match="`constraints` .* `crf=True`"):
        models.tagger(encoder, 3, constraints=[(3, 0), (0, 4)])
