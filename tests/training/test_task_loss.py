"""Losses of classifiers, compared with NumPy."""

import keras
import numpy as np
import pytest

from keras_ctx import training

RNG = np.random.default_rng(5)
LOGITS = RNG.normal(size=(6, 3)).astype("float32")


def measured(kind, logits, targets, **options) -> dict[str, float]:
    inputs = keras.Input((logits.shape[1],), name="x")
    model = keras.Model(inputs, {"logits": inputs})
    model.compile(
        "sgd", **training.task_loss(kind, **options), jit_compile=False
    )
    found = model.evaluate(
        logits, {"logits": targets}, len(logits), 0, return_dict=True
    )
    return {key: float(value) for key, value in found.items()}


def test_several_labels() -> None:
    targets = RNG.integers(0, 2, (6, 3)).astype("float32")
    found = measured("multi_label", LOGITS, targets)
    p = 1 / (1 + np.exp(-LOGITS.astype("float64")))
    expected = -np.log(np.where(targets == 1, p, 1 - p)).mean()
    assert found["loss"] == pytest.approx(expected, abs=1e-6)
    right = ((LOGITS > 0) == (targets == 1)).mean()
    assert found["accuracy"] == pytest.approx(right)


def test_classes_and_numbers() -> None:
    targets = np.array([0, 1, 2, 0, 1, 2])
    x = LOGITS.astype("float64")
    chosen = x[range(6), targets] - np.log(np.exp(x).sum(-1))
    found = measured("classification", LOGITS, targets)
    assert found["loss"] == pytest.approx(-chosen.mean(), abs=1e-6)
    found = measured("classification", LOGITS, targets, weighted=True)
    assert found["loss"] == pytest.approx(-chosen.sum(), abs=1e-5)
    numbers = np.arange(6.0, dtype="float32")
    found = measured("regression", LOGITS[:, :1], numbers)
    assert found["loss"] == pytest.approx(
        np.square(x[:, 0] - numbers).mean(), rel=1e-6
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("classes",), "`kind` must be"),
        (("regression", True), '`weighted` needs `kind="classification"`'),
        (("multi_label", True), '`weighted` needs `kind="classification"`'),
        (("tagging", True), '`weighted` needs `kind="classification"`'),
    ],
)
def test_refused(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        training.task_loss(*arguments)


def test_tags() -> None:
    """The weights of the words of a batch sum to 1."""
    logits = RNG.normal(size=(2, 3, 4)).astype("float32")
    targets = np.array([[0, 1, 2], [3, 0, 0]])
    weights = np.array([[0.25, 0.25, 0.25], [0.25, 0, 0]], "float32")
    inputs = keras.Input((3, 4))
    model = keras.Model(inputs, {"logits": inputs})
    model.compile("sgd", **training.task_loss("tagging"), jit_compile=False)
    found = model.evaluate(
        logits,
        {"logits": targets},
        sample_weight={"logits": weights},
        verbose=0,
        return_dict=True,
    )
    x = logits.astype("float64")
    nats = np.log(np.exp(x).sum(-1)) - np.take_along_axis(
        x, targets[..., None], -1
    ).squeeze(-1)
    assert found["loss"] == pytest.approx((nats * weights).sum(), abs=1e-5)
    right = (x.argmax(-1) == targets) * weights
    assert found["accuracy"] == pytest.approx(right.sum())
    with_crf = training.task_loss("tagging", crf=True)
    assert isinstance(with_crf["loss"]["logits"], training.CRFLoss)
    assert with_crf["weighted_metrics"] is None


def test_answers() -> None:
    inputs = {name: keras.Input((5,), name=name) for name in ("x", "y")}
    ends = {"start_logits": inputs["x"], "end_logits": inputs["y"]}
    model = keras.Model(inputs, ends)
    loss = training.task_loss("question_answering")
    model.compile("sgd", **loss, jit_compile=False)
    logits = RNG.normal(size=(2, 3, 5)).astype("float32")
    places = np.array([[0, 4, 1], [2, 3, 0]])
    found = model.evaluate(
        dict(zip(inputs, logits, strict=True)),
        dict(zip(ends, places, strict=True)),
        verbose=0,
        return_dict=True,
    )
    x = logits.astype("float64")
    nats = np.log(np.exp(x).sum(-1)) - np.take_along_axis(
        x, places[..., None], -1
    ).squeeze(-1)
    assert found["loss"] == pytest.approx(nats.mean(), abs=1e-5)


def test_a_crf_needs_tags() -> None:
    with pytest.raises(ValueError, match='`crf` needs `kind="tagging"`'):
        training.task_loss("classification", crf=True)
