"""Refusals of `export`: messages, and nothing is left behind."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import models, serving
from keras_ctx.serving.export.checks import check_inputs
from keras_ctx.text import BertInputs, ElmoInputs, WordInputs

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="module")
def inputs() -> BertInputs:
    return BertInputs(SPECIAL, 8, split="character")


@pytest.fixture(scope="module")
def bert() -> keras.Model:
    return models.bert_encoder(5, 1, 1, 4, 8, 8)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "b"], "`labels` must name each of the 3 classes.*2 labels"),
        (["a", "b", "c", "d"], "each of the 3 classes.*4 labels"),
        (["a", "b", "a"], "different from each other"),
        ([0, 1, 2], r"must be strings.*\('0', '1', '2'\)"),
        ([b"a", b"b", b"c"], "must be strings"),
        ("abc", "a list of names in the order of the logits; a str"),
        ({"a", "b", "c"}, "the order of the logits; a set has none"),
        (["a", "b", ""], "not empty"),
        (["a", "b", "\ud800"], "Unicode of one line each"),
        (["a", "b", "c\nd"], "of one line each"),
    ],
)
def test_labels_that_do_not_fit(
    labels: list[str], message: str, tmp_path: Path, bert, inputs
) -> None:
    model = models.classifier(bert, 3)
    with pytest.raises(ValueError, match=message):
        serving.export(model, inputs, tmp_path / "m", labels)
    assert not (tmp_path / "m").exists()


def test_labels_for_a_model_without_logits(
    tmp_path: Path, bert, inputs
) -> None:
    model = models.span_extractor(bert)
    with pytest.raises(ValueError, match=r"`labels` is for.*'end_logits'"):
        serving.export(model, inputs, tmp_path, ["a", "b"])


def test_text_function_of_another_encoder(tmp_path: Path, bert) -> None:
    message = (
        r"Missing: \['padding_mask', 'segment_ids', 'token_ids'\]. "
        r"Unknown to `model`: \['char_ids'\]"
    )
    with pytest.raises(ValueError, match=message):
        serving.export(bert, ElmoInputs(), tmp_path)


def test_text_function_with_other_word_length(tmp_path: Path) -> None:
    model = models.elmo_encoder([(1, 4)], 8, 4, max_characters=10)
    message = r"give `char_ids` as `model` takes it: int32 .* \(1, 1, 12\)"
    with pytest.raises(ValueError, match=message):
        serving.export(model, ElmoInputs(12), tmp_path)


def test_texts_longer_than_the_model_has_positions(
    tmp_path: Path, bert
) -> None:
    # Short texts would work; a request of nine tokens would not.
    inputs = BertInputs(SPECIAL, 9, split="character")
    message = r"(?s)`model` refuses the output .*\(4,\).*at most `max_length=8`"
    with pytest.raises(ValueError, match=message):
        serving.export(bert, inputs, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_vocabulary_of_another_model(tmp_path: Path, bert) -> None:
    inputs = BertInputs([*SPECIAL, "a"], 8, split="character")
    message = "vocabulary that `model` was trained with.*6 tokens.*with 5"
    with pytest.raises(ValueError, match=message):
        serving.export(bert, inputs, tmp_path)
    # A table padded to a round number of rows is accepted.
    padded = models.bert_encoder(64, 1, 1, 4, 8, 8)
    check_inputs(padded, inputs, pair=False)
    with pytest.raises(ValueError, match="6 tokens, and a model with 134"):
        check_inputs(models.bert_encoder(134, 1, 1, 4, 8, 8), inputs, False)
    words = WordInputs(["<S>", "</S>", "<UNK>"])
    check_inputs(models.elmo_word_encoder(3, 8, 4), words, pair=False)
    with pytest.raises(ValueError, match="3 tokens, and a model with 2"):
        check_inputs(models.elmo_word_encoder(2, 8, 4), words, pair=False)


@pytest.mark.parametrize("kind", ["classifier", "span_extractor"])
def test_pairs_for_a_model_of_one_segment(
    tmp_path: Path, inputs, kind: str
) -> None:
    encoder = models.bert_encoder(
        inputs.vocabulary_size, 1, 2, 8, 8, inputs.max_length, num_segments=1
    )
    with pytest.raises(ValueError, match="two segments.*num_segments=1"):
        if kind == "classifier":
            model = models.classifier(encoder, 2)
            serving.export(model, inputs, tmp_path, ["a", "b"], pair=True)
        else:
            model = models.span_extractor(encoder)
            serving.export(
                model, inputs, tmp_path, windows=serving.AnswerWindows()
            )
    assert not list(tmp_path.iterdir())


def test_model_that_is_not_built(tmp_path: Path, inputs) -> None:
    model = keras.Sequential([keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="`model` must be built: call it once"):
        serving.export(model, inputs, tmp_path)


def test_model_with_a_lambda(tmp_path: Path, bert, inputs) -> None:
    doubled = keras.layers.Lambda(lambda x: 2 * x, name="twice")
    inside = keras.Model(
        bert.input, {"sequence": doubled(bert.output["sequence"])}
    )
    # Also in a model inside the model.
    outer = keras.Model(bert.input, inside(bert.input))
    for model in (inside, outer):
        with pytest.raises(ValueError, match="no Lambda layer.*'twice'"):
            serving.export(model, inputs, tmp_path)


@keras.saving.register_keras_serializable(package="tests")
class Holder(keras.layers.Layer):
    """A layer that contains a Lambda layer."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = keras.layers.Lambda(lambda x: 2 * x, name="hidden")

    def call(self, x: Any) -> Any:
        return self.inner(x)


def test_lambda_inside_a_layer(tmp_path: Path, bert, inputs) -> None:
    model = keras.Model(
        bert.input, {"sequence": Holder()(bert.output["sequence"])}
    )
    with pytest.raises(ValueError, match="no Lambda layer.*'hidden'"):
        serving.export(model, inputs, tmp_path)


def test_model_that_carries_state(tmp_path: Path) -> None:
    model = models.elmo_encoder(
        [(1, 4)], 8, 4, max_characters=8, stateful=True, max_batch_size=2
    )
    for head in (lambda x: x, models.embedder):
        with pytest.raises(ValueError, match="must be stateless.*'bilm'"):
            serving.export(head(model), ElmoInputs(8), tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_a_single_label(tmp_path: Path, bert, inputs) -> None:
    for head in (models.classifier, models.tagger):
        with pytest.raises(ValueError, match="`labels` must be two or more"):
            serving.export(head(bert, 1), inputs, tmp_path, ["a"])


@pytest.mark.parametrize("version", [-1, True, 1.5, 2**63, "1"])
def test_no_number_of_a_version(
    version: Any, tmp_path: Path, bert, inputs
) -> None:
    with pytest.raises(ValueError, match="`version` must be an integer from 0"):
        serving.export(bert, inputs, tmp_path, version=version)


def test_figures_and_texts_to_check(tmp_path: Path, bert, inputs) -> None:
    values: list[Any] = [float("nan"), "0.5", np.array([1.0])]
    for value in values:
        with pytest.raises(ValueError, match="`metrics` must be.*loss="):
            serving.export(bert, inputs, tmp_path, metrics={"loss": value})
    for texts in ([], "a text"):
        with pytest.raises(ValueError, match="`check_texts` must be a list"):
            serving.export(bert, inputs, tmp_path, check_texts=texts)
    assert list(tmp_path.iterdir()) == []


def test_options_of_another_task(tmp_path: Path, bert, inputs) -> None:
    with pytest.raises(ValueError, match="`pair` is for.*task is 'tag'"):
        serving.export(
            models.tagger(bert, 2), inputs, tmp_path, ["a", "b"], pair=True
        )
    model = models.bert_pretrainer(bert)
    with pytest.raises(ValueError, match="`top_k` must be at most 5"):
        serving.export(model, inputs, tmp_path, top_k=6)
    with pytest.raises(ValueError, match="`top_k` must be an integer"):
        serving.export(model, inputs, tmp_path, top_k=0)
    with pytest.raises(ValueError, match="`stride` must be at least 1"):
        serving.AnswerWindows(stride=0)
    assert list(tmp_path.iterdir()) == []


def test_masked_words_of_an_elmo(tmp_path: Path, bert) -> None:
    model = models.bert_pretrainer(bert)
    with pytest.raises(ValueError, match="Missing: .*'token_ids'"):
        serving.export(model, ElmoInputs(), tmp_path)


def test_model_without_names(tmp_path: Path, inputs) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="`model` must be a functional model"):
        serving.export(model, inputs, tmp_path)


@keras.saving.register_keras_serializable(package="tests")
class OtherWhenServed(keras.layers.Layer):
    """A layer that computes differently eagerly and in a graph."""

    def call(self, x: Any) -> Any:
        return x if tf.executing_eagerly() else x * 1.001

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


@keras.saving.register_keras_serializable(package="tests")
class NotANumber(keras.layers.Layer):
    """A layer that divides zero by zero."""

    def call(self, x: Any) -> Any:
        return x * 0.0 / 0.0

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


@pytest.mark.quick("layer1")
@pytest.mark.parametrize("layer", [OtherWhenServed(), NotANumber()])
def test_wrong_artifact_is_never_published(
    layer: keras.layers.Layer, tmp_path: Path, bert, inputs
) -> None:
    (tmp_path / "1").mkdir()
    model = keras.Model(
        bert.input, {"sequence": layer(bert.output["sequence"])}
    )
    with pytest.raises(RuntimeError, match="`sequence`.*nothing was published"):
        serving.export(model, inputs, tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "1"]


def test_folder_below_a_file(tmp_path: Path, bert, inputs) -> None:
    # Also refused for root, whom permissions do not stop.
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError, match="`path` must be a folder.*can be writ"):
        serving.export(bert, inputs, tmp_path / "file" / "m")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_permission(tmp_path: Path, bert, inputs) -> None:
    (tmp_path / "m").mkdir(mode=0o500)
    with pytest.raises(PermissionError, match="`path` must be a folder"):
        serving.export(bert, inputs, tmp_path / "m")


@pytest.mark.slow
def test_other_backend() -> None:
    script = (
        "import keras_ctx.serving as serving\n"
        "try:\n"
        "    serving.export(None, None, 'm')\n"
        "except RuntimeError as error:\n"
        "    print(error)\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
        text=True,
    )
    assert "`export` needs the TensorFlow backend" in finished.stdout
    assert "Received: backend='jax'" in finished.stdout
