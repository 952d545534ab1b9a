"""Checks what the export of a model of semantic roles needs."""

from collections.abc import Sequence

import keras

from keras_ctx.checks import check_choice
from keras_ctx.data.roles.dataset import PLACES, PredicatePlace
from keras_ctx.evaluation import allowed_transitions
from keras_ctx.layers.outputs.tag_paths import checked_pairs


def check_roles(
    task: str,
    model: keras.Model,
    labels: Sequence[str] | None,
    predicate: PredicatePlace | None,
) -> None:
    """Refuses tags that are not in IOB2, and a place of another task.

    A place that is not the one of the training would give wrong answers
    without an error: it has no default.
    """
    if task != "roles":
        if predicate is not None:
            raise ValueError(
                "`predicate` is for a model of semantic roles. Received: "
                f"predicate={predicate!r} for a model whose task is {task!r}"
            )
        return
    if labels is None:
        raise ValueError(
            "`labels` must be the tags of a model of semantic roles, in the "
            "order of the logits. Received: labels=None"
        )
    check_choice(PLACES, predicate=predicate)
    if predicate == "second_segment" and "segment_ids" not in model.input:
        raise ValueError(
            '`predicate="second_segment"` needs a model with segments, such as '
            'one on a BERT. Use "flag". Received: a model with the inputs '
            f"{sorted(model.input)}"
        )
    try:
        checked_pairs(allowed_transitions(labels), len(labels))
    except ValueError as error:
        raise ValueError(
            "`labels` of a model of semantic roles must be tags in IOB2, such "
            f"as O, B-ARG0 and I-ARG0. Received: labels={labels!r}: {error}"
        ) from error
