"""A served tagger with a conditional random field returns its best path."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from expected_answers import Judge
from served_models import TAGS, Case

from keras_ctx import data, models, serving
from keras_ctx.serving.signatures.model_outputs import ModelOutputs
from keras_ctx.serving.signatures.tag import Tag
from keras_ctx.text import BertInputs

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TEXTS = ["书好", "", "这本书好坏"]
LABELS = ["O", "B", "I"]


@pytest.fixture(scope="module")
def characters() -> BertInputs:
    return BertInputs([*SPECIAL, *"书好坏这本"], 16, split="character")


def tagger() -> keras.Model:
    model = models.tagger(models.bert_encoder(10, 1, 2, 8, 16, 16), 3, crf=True)
    # Each tag allows only the next one, so no token decides alone.
    transitions = np.full((3, 3), -9.0)
    transitions[[0, 1, 2], [1, 2, 0]] = 9.0
    crf = model.get_layer("crf")
    crf.transitions.assign(transitions)
    crf.start.assign([9.0, 0.0, 0.0])
    return model


@pytest.mark.slow  # traces many layers
def test_features_lstm_and_path_on_a_resting_encoder(
    exported: Callable[[str], tuple[Case, Path]],
) -> None:
    case, version = exported("bert_crf_tagger")
    answer = serving.answers_in_fresh_process(version.parent, TEXTS)
    expected = case.model(case.text_inputs(TEXTS))
    # The tags of the positions after [CLS].
    best = np.asarray(expected["tags"])
    for row, text in enumerate(TEXTS):
        chosen = best[row, 1 : 1 + len(text)]
        shown = answer["tags"][row, : len(text)].tolist()
        assert shown == [TAGS[tag] for tag in chosen]
        scores = np.asarray(expected["scores"])[row, 1 : 1 + len(text)]
        np.testing.assert_allclose(
            answer["scores"][row, : len(text)],
            scores[np.arange(len(text)), chosen],
            rtol=0,
            atol=1e-5,
        )


@pytest.mark.slow
def test_without_labels(tmp_path: Path, characters) -> None:
    serving.export(tagger(), characters, tmp_path)
    answer = serving.answers(tmp_path, TEXTS)
    assert sorted(answer) == [
        *("logits", "num_tokens", "scores", "tags", "truncated")
    ]
    assert answer["tags"][0].tolist() == [0, 1, 2, 0, -1, -1, -1]


@pytest.mark.slow
def test_half_precision(tmp_path: Path, characters) -> None:
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        # Its scores are close together: rounding decides some tags.
        encoder = models.bert_encoder(10, 1, 2, 8, 16, 16)
        model = models.tagger(encoder, 3, crf=True)
    finally:
        keras.config.set_dtype_policy(previous)
    serving.export(model, characters, tmp_path, LABELS)
    answer = serving.answers(tmp_path, TEXTS)
    assert answer["scores"].dtype == np.float32


@keras.saving.register_keras_serializable(package="tests")
class OtherPathWhenServed(keras.layers.Layer):
    """A layer that computes differently eagerly and in a graph."""

    def call(self, tags: Any) -> Any:
        if tf.executing_eagerly():
            return tags
        return tf.where(tags < 0, tags, (tags + 1) % 3)

    def compute_output_spec(self, tags: Any) -> Any:
        return keras.KerasTensor(tags.shape, tags.dtype)


@pytest.mark.slow
def test_wrong_path_is_never_published(tmp_path: Path, characters) -> None:
    model = tagger()
    outputs = {**model.output}
    outputs["tags"] = OtherPathWhenServed()(outputs["tags"])
    wrong = keras.Model(model.input, outputs)
    with pytest.raises(RuntimeError, match="`tags`.*nothing was published"):
        serving.export(wrong, characters, tmp_path, LABELS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_check_takes_a_path_that_is_as_probable(characters) -> None:
    # All paths are equally probable, so any is best.
    model = tagger()
    for name in ("crf", "logits"):
        layer = model.get_layer(name)
        layer.set_weights([0 * w for w in layer.get_weights()])
    right = Judge(model, characters, LABELS, TEXTS)
    outputs = {**model.output}
    outputs["tags"] = other_tags(outputs["tags"])
    other = keras.Model(model.input, outputs)
    answers = Judge(other, characters, LABELS, TEXTS).expected.answers
    assert right.share(answers) <= 1


@pytest.mark.slow
def test_check_refuses_a_path_that_is_less_probable(characters) -> None:
    model = tagger()
    right = Judge(model, characters, LABELS, TEXTS)
    outputs = {**model.output}
    outputs["tags"] = other_tags(outputs["tags"])
    other = keras.Model(model.input, outputs)
    answers = Judge(other, characters, LABELS, TEXTS).expected.answers
    assert right.share(answers) == np.inf


def other_tags(tags: Any) -> Any:
    return keras.ops.where(tags < 0, tags, (tags + 1) % 3)


def test_labels_must_be_as_many_as_tags(tmp_path: Path, characters) -> None:
    with pytest.raises(ValueError, match="each of the 3 classes.*2 labels"):
        serving.export(tagger(), characters, tmp_path, ["O", "B"])


def test_constraints_hold_for_words_of_many_pieces() -> None:
    # With constraints between tokens only, the model would begin rows with I
    # and put I after O, through a piece that may be B.
    vocabulary = [*SPECIAL, "un", "##der", "go"]
    inputs = BertInputs(vocabulary, 12)
    encoder = models.bert_encoder(8, 1, 2, 8, 16, 12)
    pairs = data.allowed_transitions(LABELS)
    model = models.tagger(encoder, 3, crf=True, constraints=pairs)
    crf = model.get_layer("crf")
    crf.transitions.assign([[-9.0, 9.0, 9.5], [9.0, -9.0, 9.5], [9.0, 1, 2]])
    texts = ["under go under", "go", ""]
    answer = Tag(ModelOutputs(model), inputs, LABELS)(tf.constant(texts))
    outputs = {k: np.asarray(x) for k, x in model(inputs(texts)).items()}
    starts = {0: [1, 3, 4], 1: [1], 2: []}  # after [CLS]
    broken = 0
    for row, places in starts.items():
        length = int(np.asarray(inputs(texts)["padding_mask"])[row].sum())
        sums = dict.fromkeys(itertools.product(range(3), repeat=len(places)), 0)
        for path in itertools.product(range(3), repeat=length):
            steps = outputs["logits"][row, range(length), (0, *path[:-1]), path]
            sums[tuple(path[t] for t in places)] += np.exp(steps.sum())
        allowed = [
            tags
            for tags in sums
            if not tags or set(itertools.pairwise((3, *tags, 4))) <= set(pairs)
        ]
        best = max(allowed, key=sums.__getitem__)
        shown = answer["tags"].numpy()[row].tolist()
        assert shown[: len(places)] == [LABELS[tag].encode() for tag in best]
        assert answer["path_log_probability"][row].numpy() == pytest.approx(
            np.log(sums[best]), abs=1e-5
        )
        broken += tuple(outputs["tags"][row, places]) not in allowed
    assert broken  # with constraints of tokens alone
