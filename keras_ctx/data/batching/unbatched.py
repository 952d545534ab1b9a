"""The single texts of a dataset of padded batches, as NumPy arrays."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from keras_ctx.files.untuned_dataset import without_autotuning


@dataclass(frozen=True)
class Target:
    """What one target has an entry for, and what an entry is."""

    kind: Literal["token", "text", "prediction"]
    shape: tuple[int, ...]
    """Shape of an entry: () for a number, (K,) for several labels."""
    dtype: Any


@dataclass(frozen=True)
class Layout:
    """The parts of a dataset."""

    features: Mapping[str, Any]
    """The dtypes of what has an entry for each token, without the mask."""
    targets: Mapping[str, Target]
    has_predictions: bool
    """Whether there are masked positions."""


@dataclass(frozen=True)
class Text:
    """One text without padding."""

    number: int
    """Counted from 0 over the dataset."""
    length: int
    features: dict[str, np.ndarray]
    positions: np.ndarray
    """Its masked positions, those in use."""
    targets: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]


def layout_of(dataset: tf.data.Dataset, per_token: Sequence[str]) -> Layout:
    """Returns the parts of a dataset, and refuses what cannot be packed."""
    features, targets, weights = _parts(dataset.element_spec)
    needed = {"token_ids", "segment_ids", "padding_mask"}
    if not needed <= set(features):
        raise ValueError(
            "`dataset` must have the features of a BERT, "
            f"{', '.join(sorted(needed))}. Those of an ELMo cannot be packed: "
            "its LSTMs read a row from end to end. Batch its texts by length, "
            "with `token_counts` and `order_of_lengths`. "
            f"Received: {sorted(features)}"
        )
    for key, spec in features.items():
        if spec.shape.rank != 2:
            raise ValueError(
                "`dataset` must have features of shape (B, T), with an entry "
                f"for each token. Received: `{key}` of shape {spec.shape}"
            )
    if isinstance(per_token, str) or set(per_token) - set(targets):
        raise ValueError(
            "`per_token` must be a list of names of targets. Received: "
            f"per_token={per_token!r}, targets {sorted(targets)}"
        )
    has_predictions = "masked_positions" in features
    if has_predictions and "masked_lm" not in weights:
        raise ValueError(
            "`dataset` must have weights of `masked_lm`, not 0 for the "
            "`masked_positions` that are in use. "
            f"Received: weights of {sorted(weights)}"
        )
    found = {}
    for key, spec in targets.items():
        if key in per_token:
            kind = "token"
        elif has_predictions and key == "masked_lm":
            kind = "prediction"
        else:
            kind = "text"
        found[key] = _target(key, kind, spec)
        _check_weights(key, kind, weights.get(key))
    return Layout(
        {
            key: spec.dtype.as_numpy_dtype
            for key, spec in features.items()
            if key not in ("padding_mask", "masked_positions")
        },
        found,
        has_predictions,
    )


def _parts(element: Any) -> tuple[dict, dict, dict]:
    """Returns features, targets and weights; empty if there are none."""
    parts = element if isinstance(element, tuple) else (element,)
    if not 1 <= len(parts) <= 3 or not all(
        isinstance(part, dict) for part in parts
    ):
        raise ValueError(
            "`dataset` must have dicts of features, or pairs or triples of "
            "dicts: features, targets and weights. "
            f"Received: {element!r}"
        )
    features, targets, weights = (*parts, {}, {})[:3]
    return features, targets, weights


def _target(key: str, kind: Any, spec: tf.TensorSpec) -> Target:
    dtype, rank = spec.dtype, spec.shape.rank
    if kind != "text":
        if rank != 2:
            raise ValueError(
                f"A target with an entry for each {kind} must have the shape "
                f"(B, T). Received: `{key}` of shape {spec.shape}"
            )
        return Target(kind, (), dtype.as_numpy_dtype)
    # Labels of tokens would be taken for several labels of a text.
    if rank not in (1, 2) or (rank == 2 and not dtype.is_floating):
        raise ValueError(
            "A target with an entry for each text must be of shape (B,), or "
            "floats (B, K). Name those with an entry for each token in "
            f"`per_token`. Received: `{key}` of shape {spec.shape}, "
            f"{dtype.name}"
        )
    labels = spec.shape[1] if rank == 2 else 1
    if labels is None:
        raise ValueError(
            "A target of several labels must have a known number of them. "
            f"Received: `{key}` of shape {spec.shape}"
        )
    # A number of regression has an axis, too, as its logit has.
    shape = (labels,) if dtype.is_floating else ()
    return Target(kind, shape, dtype.as_numpy_dtype)


def _check_weights(key: str, kind: str, spec: tf.TensorSpec | None) -> None:
    rank = 1 if kind == "text" else 2
    if spec is not None and spec.shape.rank != rank:
        raise ValueError(
            f"The weights of `{key}` must have one number for each {kind}, "
            f"{rank} axes. Received: shape {spec.shape}"
        )


def texts(dataset: tf.data.Dataset, layout: Layout) -> Iterator[Text]:
    """Yields the texts of a dataset one by one, without their padding."""
    number = 0
    for element in without_autotuning(dataset).as_numpy_iterator():
        features, targets, weights = _parts(element)
        mask = features["padding_mask"].astype(bool)
        # Weights that sum to 1 over a batch become 1 on average.
        weights = {
            key: value * np.count_nonzero(value)
            for key, value in weights.items()
        }
        for k, real in enumerate(mask):
            length = int(real.sum())
            used = positions = np.zeros(0, "int32")
            if layout.has_predictions:
                used = np.flatnonzero(weights["masked_lm"][k])
                # Positions among the real tokens: padding may be anywhere.
                places = np.cumsum(real, dtype="int32") - 1
                positions = places[features["masked_positions"][k][used]]
            chosen = {"token": real, "text": ..., "prediction": used}
            yield Text(
                number,
                length,
                {key: features[key][k][real] for key in layout.features},
                positions,
                {
                    key: targets[key][k][chosen[each.kind]]
                    for key, each in layout.targets.items()
                },
                {
                    key: weights[key][k][chosen[each.kind]]
                    if key in weights
                    else np.ones((), "float32")
                    for key, each in layout.targets.items()
                },
            )
            number += 1
