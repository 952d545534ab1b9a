"""Notes for clients of a server that batches requests."""

from collections.abc import Mapping
from typing import Any

Specs = Mapping[str, Mapping[str, Any]]


def batching_notes(card: Mapping[str, Any]) -> list[str]:
    """Returns sentences for the README.md of a version.

    Args:
        card: Content of `signature.json`: `signatures` with `inputs` and
            `outputs`, whose `shape` has `None` for an axis of any size.

    Returns:
        Sentences in Markdown.

    Example:
        >>> shape = {"dtype": "string", "shape": [None, None]}
        >>> count = {"dtype": "int32", "shape": [None]}
        >>> notes = batching_notes({"signatures": {"tokens": {
        ...     "inputs": {"tokens": shape},
        ...     "outputs": {"words": shape, "num_tokens": count}}}})
        >>> print(notes[0])
        `tokens` takes rows of one width, with "" behind the last word. ...

    Source: `batching_session.cc` of TensorFlow Serving 2.20.
    """
    made = card["signatures"]
    notes = []
    if "tokens" in made:
        notes.append(
            '`tokens` takes rows of one width, with "" behind the last word. '
            "Where a server batches, it must be the same width in all "
            "requests, or they fail with `different shapes`: agree on one "
            "(`query.py --width 128`)."
        )
    features = made.get("features", {"inputs": {}})["inputs"]
    if "distinct_char_ids" in features:
        notes.append(
            "`features` cannot be asked where a server batches: "
            "`distinct_char_ids` has a row for each word, and not for each "
            "text. It has no warm-up requests. Send texts or `tokens`."
        )
    elif any(len(_open_axes(spec)) > 1 for spec in features.values()):
        notes.append(
            "`features` also takes ids of one width, padded with the id of "
            "padding. The server's own `pad_variable_length_inputs` would "
            "pad with another id."
        )
    rows = [
        name
        for name, one in made.items()
        # Outputs of `features` are as wide as the ids, `texts` are samples.
        if name != "features"
        and "texts" not in one["outputs"]
        and _by_position(one["outputs"])
    ]
    if rows:
        listed = ", ".join(f"`{name}`" for name in rows)
        notes.append(
            "Answers by position, word or [MASK] are as long as the longest "
            "row of the batch, which may be another client's "
            f"({listed}). Cut vectors and `tokens` after `num_tokens`, words "
            'and tags where `words` is "" to the end, words for [MASK] after '
            "`num_masks`, and `roles` where `role_starts` is -1. `query.py` "
            "does."
        )
    notes.append(
        "Never send a request without rows to a server that batches: it is "
        "never answered, and blocks a thread of the server."
    )
    return notes


def _open_axes(spec: Mapping[str, Any]) -> list[int]:
    return [axis for axis, size in enumerate(spec["shape"]) if size is None]


def _by_position(outputs: Specs) -> bool:
    """Returns whether another axis than that of the rows has any size."""
    return any(axes[1:] for axes in map(_open_axes, outputs.values()))
