"""Checks that a model, text inputs, labels and a task fit each other."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_ctx.checks import check_choice
from keras_ctx.models.heads.semantic_roles import PREDICATE
from keras_ctx.predictions.run_task import RunTask
from keras_ctx.serving.export.checks import (
    check_inputs,
    check_labels,
    check_mask,
    check_model,
    listed,
)
from keras_ctx.serving.signatures.build import task_of
from keras_ctx.text_model.asking.signature import SIGNATURES, ServedVersion


def checked_task(
    model: Any,
    text_inputs: Any,
    labels: Sequence[str],
    kind: str | None,
    settings: dict[str, Any],
) -> RunTask:
    """Returns the parts as a `RunTask`, with its kind.

    Raises:
        ValueError: They do not fit each other.
        RuntimeError: The backend is not TensorFlow.
    """
    if kind is not None:
        check_choice(tuple(SIGNATURES), task=kind)
    names = listed(labels)
    if isinstance(model, ServedVersion):
        return RunTask(kind or model.kind, model, None, names, settings)
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "A `TextModel` needs the TensorFlow backend, which alone has "
            "strings: set KERAS_BACKEND=tensorflow. Received: "
            f"backend={keras.backend.backend()!r}"
        )
    check_model(model)
    found = _kind_of(model, names)
    if kind is not None and SIGNATURES[kind] != SIGNATURES.get(found):
        raise ValueError(
            f"`task` must be what the model is for: {found}. Received: "
            f"task={kind!r}, a model with the outputs {sorted(model.output)} "
            f"and {len(names)} labels"
        )
    if kind in ("embedding", "encoder") and kind != found:
        raise ValueError(
            f"`task` must be {found!r} for a model with the outputs "
            f"{sorted(model.output)}. Received: task={kind!r}"
        )
    kind = kind or found
    check_labels(model, names or None, kind == "multi_label")
    check_inputs(model, text_inputs, bool(settings.get("pair")))
    if kind == "fill_mask":
        check_mask(text_inputs)
    return RunTask(kind, model, text_inputs, names, settings)


def _kind_of(model: keras.Model, labels: tuple[str, ...]) -> str:
    if PREDICATE in model.input:
        raise ValueError(
            "`model` must read texts alone; one of semantic roles reads a "
            "predicate, too. Use `fine_tuning.predict_roles` or predict.py, or "
            "export it and ask `serving.answers`. Received: "
            f"{model.name!r}, with the input `{PREDICATE}`"
        )
    signature = task_of(model, labels or None)
    if signature == "embed":
        return "embedding" if "embedding" in model.output else "encoder"
    for kind, name in SIGNATURES.items():
        if name == signature:
            return kind
    raise ValueError(
        "`labels` must name the logits of the model, one for each. Received: "
        f"labels={labels!r}, a model with the outputs {sorted(model.output)}"
    )
