"""Reads the kind and the labels of a classifier's head from config.json."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_PROBLEMS = (
    None,
    "single_label_classification",
    "multi_label_classification",
    "regression",
)


def head_labels(
    config: dict[str, Any],
    rows: int,
    task: str,
    labels: Sequence[str] | None,
    path: Path,
) -> tuple[str, tuple[str, ...]]:
    """Returns the kind of a head and the labels of its classes.

    Args:
        config: The config.json of `transformers`, or an empty dict.
        rows: Number of logits of the head.
        task: `"classification"` or `"tagging"`.
        labels: The labels; `None` for those of `config`.
        path: Path of the file, for error messages.

    Returns:
        `"classification"`, `"multi_label"`, `"regression"` or `"tagging"`;
        and the labels, empty for a regression.

    Raises:
        ValueError: If the number of labels is not that of the classes, if
            labels are repeated, or if `problem_type` is unknown.

    Example:
        >>> config = {"id2label": {"0": "bad", "1": "good"}}
        >>> head_labels(config, 2, "classification", None, Path("config.json"))
        ('classification', ('bad', 'good'))
        >>> head_labels({}, 1, "classification", None, Path("config.json"))
        ('regression', ())
    """
    kind = task
    problem = config.get("problem_type")
    if problem not in _PROBLEMS:
        raise ValueError(
            f"{path}: `problem_type` must be null or one of "
            f"{', '.join(map(str, _PROBLEMS[1:]))}. Received: {problem!r}"
        )
    if task == "classification":
        if problem == "multi_label_classification":
            kind = "multi_label"
        elif problem == "regression" or rows == 1:
            kind = "regression"
    if kind == "regression":
        if labels is not None:
            raise ValueError(
                "`labels` must be left out for a regression: a head with one "
                'logit, or with `problem_type` "regression". '
                f"Received: {list(labels)!r}, {path} with {rows} logits"
            )
        return kind, ()
    if labels is not None:
        names, said = tuple(labels), "`labels`"
        if len(names) != rows:
            raise ValueError(
                f"`labels` must name each of the {rows} classes of the head. "
                f"Received: {list(names)!r}"
            )
    else:
        names, said = _names(config, rows, path), f"{path}: `id2label`"
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"{said} must give every class a different label. Received: "
            f"{twice[0]!r} for several classes. Pass other `labels`."
        )
    return kind, names


def _names(config: dict[str, Any], rows: int, path: Path) -> tuple[str, ...]:
    """Reads the labels from `id2label` or, without it, from `label2id`."""
    count = config.get("num_labels")
    if count is not None and count != rows:
        raise ValueError(
            f"{path}: `num_labels` must be that of the head, {rows}. "
            f"Received: {count!r}. Use the file that belongs to the weights."
        )
    key, content = "id2label", config.get("id2label")
    if content is None and config.get("label2id") is not None:
        key, turned = "label2id", config["label2id"]
        content = turned
        if isinstance(turned, dict):
            content = {place: name for name, place in turned.items()}
    if content is None:
        return tuple(f"LABEL_{place}" for place in range(rows))
    if isinstance(content, list):
        content = dict(enumerate(content))
    given: dict[int, str] = {}
    for place, name in content.items() if isinstance(content, dict) else ():
        if str(place).isdecimal() and isinstance(name, str | int):
            given[int(place)] = str(name)
        else:
            content = None
            break
    if not isinstance(content, dict) or any(x >= rows for x in given):
        raise ValueError(
            f"{path}: `{key}` must name the classes 0 to {rows - 1} of the "
            f"head, and no others. Received: {config[key]!r}. Use the file "
            "that belongs to the weights, or pass `labels`."
        )
    missing = [place for place in range(rows) if place not in given]
    if missing:
        warnings.warn(
            f"{path}: `{key}` has no label for {len(missing)} of the {rows} "
            f"classes of the head. They get labels such as "
            f"LABEL_{missing[0]}.",
            UserWarning,
            stacklevel=4,
        )
    return tuple(given.get(x, f"LABEL_{x}") for x in range(rows))
