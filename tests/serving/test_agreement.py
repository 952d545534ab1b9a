"""The check of exports allows rounding, but no error of a weight."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from expected_answers import Judge
from minilm_heads import HEADS, minilm_under
from served_models import Case

from keras_ctx import models, serving
from keras_ctx.serving import AnswerWindows
from keras_ctx.serving.verify.witness import Answer
from keras_ctx.serving.weights.written import check_written_weights
from keras_ctx.text import BertInputs

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TEXTS = ["a short text", "好"]


def bert(head: Callable[[keras.Model], keras.Model]) -> keras.Model:
    """Returns a model in which every kernel matters.

    With Keras's small initial kernels, each position attends to all equally,
    and queries have no effect.
    """
    keras.utils.set_random_seed(20_260_103)
    model = head(models.bert_encoder(40, 2, 2, 16, 32, 24))
    generator = np.random.default_rng(9)
    for weight in model.weights:
        noise = generator.normal(size=weight.shape)
        if weight.name == "gamma":
            weight.assign(1 + 0.1 * noise)
        elif weight.name == "kernel":
            weight.assign(noise / 4)  # 16 features
        elif weight.name == "recurrent_kernel":
            weight.assign(noise / 2)  # 4 features
        elif weight.name == "embeddings":
            weight.assign(noise)
        else:
            weight.assign(0.1 * noise)
    return model


SMALL = {
    "classifier": (lambda x: models.classifier(x, 3, "scalar_mix"), 3),
    "tagger": (lambda x: models.tagger(x, 3, crf=True, lstm_dim=4), 3),
    "span_extractor": (models.span_extractor, 0),
    "pretrainer": (models.bert_pretrainer, 0),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(x, marks=() if x == "classifier" else pytest.mark.slow)
        for x in SMALL
    ],
)
def test_an_error_in_any_weight_is_seen(name: str) -> None:
    head, num_labels = SMALL[name]
    inputs = BertInputs([*SPECIAL, *map(chr, range(97, 123))], 24)
    judge = Judge(
        bert(head),
        inputs,
        [f"label {i}" for i in range(num_labels)] or None,
        ["a short text", "b"],
        AnswerWindows(max_question=5) if name == "span_extractor" else None,
    )
    assert judge.eager_share() < 0.5
    for path, share in judge.shares_of_errors():
        # A bias may be too small to matter; that of keys never does, since the
        # softmax cancels equal shifts of all scores.
        if path.endswith(("kernel", "embeddings")):
            assert share > 3, path


@pytest.mark.slow  # minutes
@pytest.mark.parametrize("name", HEADS)
def test_an_error_in_any_weight_of_minilm_is_seen(name: str) -> None:
    model, inputs, head = minilm_under(name, 128)
    judge = Judge(model, inputs, head.labels, **head.arguments)
    assert judge.eager_share() < 0.5
    shares = dict(judge.shares_of_errors())
    for path in sorted(shares, key=lambda path: shares[path])[:20]:
        print(name, path, shares[path])
    for path, share in shares.items():
        # Only kernels and tables; a bias may be too small to matter.
        kernel = path.endswith(("kernel", "embeddings"))
        assert share > 1 or not kernel, path


def test_each_weight_in_the_file_is_compared(
    exported: Callable[[str], tuple[Case, Path]],
) -> None:
    case, version = exported("bert_classifier")
    variables = [x.value for x in case.model.variables]
    check_written_weights(version, variables)
    for variable in case.model.weights:
        right = np.asarray(variable.numpy())  # also a scalar
        wrong = right.copy()
        # The last bit of the last number of the last row.
        last = (-1,) * right.ndim
        wrong[last] = np.nextafter(right[last], np.float32(np.inf))
        variable.assign(wrong)
        with pytest.raises(RuntimeError, match="bit for bit.*Nothing was"):
            check_written_weights(version, variables)
        variable.assign(right)
    check_written_weights(version, variables)
    fewer = [x for x in variables if "logits/kernel" not in x.name]
    with pytest.raises(RuntimeError, match="`logits/kernel`.*has none of that"):
        check_written_weights(version, fewer)


@pytest.fixture(scope="module")
def inputs() -> BertInputs:
    return BertInputs([*SPECIAL, *"abcde"], 12, split="character")


@pytest.fixture(scope="module")
def encoder() -> keras.Model:
    return models.bert_encoder(10, 1, 2, 8, 16, 12)


def test_what_stands_at_padding_means_nothing(inputs, encoder) -> None:
    judge = Judge(encoder, inputs, None, ["ab", "abcd"])
    [answer, *rest] = judge.expected.answers
    assert answer.real is not None and not answer.real.all()
    for real, share in ((False, 0.0), (True, np.inf)):
        outputs = {key: x.copy() for key, x in answer.outputs.items()}
        for key, axes in (("sequence", (0, 1)), ("layers", (0, 2))):
            moved = np.moveaxis(outputs[key], axes, (0, 1))
            moved[answer.real == real] = np.nan
        other = answer._replace(outputs=outputs)
        assert judge.share([other, *rest]) == share


@keras.saving.register_keras_serializable(package="tests")
class NoNumberFor(keras.layers.Layer):
    """A layer that returns NaN for rows with the id 7, "c"."""

    def call(self, x: Any, ids: Any) -> Any:
        found = keras.ops.any(ids == 7, axis=1, keepdims=True)
        return keras.ops.where(found, float("nan"), x)

    def compute_output_shape(self, x_shape: Any, ids_shape: Any) -> Any:
        return x_shape


def test_a_model_that_answers_with_no_number(
    inputs, encoder, tmp_path: Path
) -> None:
    outputs = {
        "embedding": NoNumberFor()(
            encoder.output["pooled"], encoder.input["token_ids"]
        )
    }
    model = keras.Model(encoder.input, outputs)
    message = (
        r"`model` must answer with numbers. Its `embedding` from `embed` is "
        r"not a number for \{'text': 'abc'\}; nothing was published"
    )
    with pytest.raises(RuntimeError, match=message):
        serving.export(model, inputs, tmp_path / "m", check_texts=["ab", "abc"])
    assert not (tmp_path / "m").exists()


def names_swapped(answer: Answer) -> Answer:
    labels = answer.outputs["labels"][:, ::-1]
    return answer._replace(outputs={**answer.outputs, "labels": labels})


@pytest.mark.slow
def test_labels_in_another_order(inputs, encoder) -> None:
    model = models.classifier(encoder, 2)
    judge = Judge(model, inputs, ["a", "b"], TEXTS)
    [answer, *rest] = judge.expected.answers
    assert judge.share([names_swapped(answer), *rest]) == np.inf
    # The order of equals is free.
    model.get_layer("logits").set_weights([np.zeros((8, 2)), np.zeros(2)])
    judge = Judge(model, inputs, ["a", "b"], TEXTS)
    [answer, *rest] = judge.expected.answers
    assert judge.share([names_swapped(answer), *rest]) == 0


@pytest.mark.slow
def test_tags_with_other_names(inputs, encoder) -> None:
    # All have probabilities below one half, and there is no tie.
    model = models.tagger(encoder, 5)
    model.get_layer("logits").bias.assign([0.1, 0.2, 0.3, 0.4, 0.5])
    judge = Judge(model, inputs, list("ABCDE"), TEXTS)
    [answer, *rest] = judge.expected.answers
    tags = np.where(answer.outputs["tags"] == "E", "D", answer.outputs["tags"])
    other = answer._replace(outputs={**answer.outputs, "tags": tags})
    assert judge.share([other, *rest]) == np.inf


@pytest.mark.slow
@pytest.mark.parametrize("crf", [True, False])
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision(inputs, dtype: str, crf: bool) -> None:
    keras.utils.set_random_seed(5)
    encoder = models.bert_encoder(10, 2, 2, 16, 32, 12)
    model = models.tagger(models.with_dtype(encoder, dtype), 3, crf=crf)
    judge = Judge(model, inputs, list("ABC"), TEXTS)
    share = judge.eager_share()
    # The compiled model has no fused kernels of float16: it may be equal.
    assert (dtype == "mixed_float16" or share > 0) and share < 0.7
