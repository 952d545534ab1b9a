"""Predicts the arguments of predicates."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_ctx import data, text
from keras_ctx.evaluation import Proposition, allowed_transitions
from keras_ctx.layers.outputs.tag_paths import best_allowed_tags, penalties
from keras_ctx.predictions.model_rows import check_finite


def predict_roles(
    model: keras.Model,
    propositions: Sequence[Proposition],
    labels: Sequence[str],
    text_inputs: text.TextInputs,
    batch_size: int,
    predicate: data.PredicatePlace = "flag",
    verbose: bool = True,
) -> list[Proposition]:
    """Returns each predicate with its predicted arguments.

    Of the paths of tags that IOB2 allows, the most probable one counts. Words
    that were cut off, and all of a sentence whose predicate was, get no role.

    Args:
        model: A `models.semantic_roles`.
        propositions: The words and the predicates; arguments are not read.
        labels: The tags in the order of their ids.
        text_inputs: The text inputs of the encoder.
        batch_size: Sentences per batch.
        predicate: As for `data.roles_dataset`.
        verbose: Whether to show a progress bar.

    Raises:
        ValueError: An output is not finite because training diverged.

    Example:
        >>> from keras_ctx import models
        >>> model = models.semantic_roles(models.word_vector_encoder(3, 4), 1)
        >>> fell = Proposition(["It", "fell"], 1, [(0, 1, "ARG1")])
        >>> inputs = text.WordVectorInputs(["It", "fell"])
        >>> predict_roles(model, [fell], ["O"], inputs, 8, verbose=False)
        [Proposition(words=['It', 'fell'], predicate=1, arguments=(), ...)]

    Source:
        He et al. 2017, section 2.4, https://aclanthology.org/P17-1044.
    """
    if not propositions:
        return []
    costs = penalties(allowed_transitions(labels), len(labels))
    counts = data.word_token_counts(
        text_inputs, [x.words for x in propositions]
    )
    order = data.order_of_lengths(counts)
    ordered = [propositions[place] for place in order]
    dataset = data.roles_dataset(
        ordered,
        # The dataset needs an id for each word; it is not used.
        [[0] * len(one.words) for one in ordered],
        text_inputs,
        predicate=predicate,
        batch_size=batch_size,
        training=False,
    )
    best_tags = tf.function(
        lambda logits, words: best_allowed_tags(logits, words, costs),
        reduce_retracing=True,
    )
    found: list[Proposition] = []
    bar = keras.utils.Progbar(len(ordered), verbose=int(verbose))
    for features, _, weights in dataset:
        outputs = model.predict_on_batch(features)
        check_finite(outputs)
        words = np.asarray(weights["logits"]) > 0
        best = best_tags(outputs["logits"], words).numpy()
        for ids, mask in zip(best, words, strict=True):
            tags = [labels[int(i)] for i in ids[mask]]
            found.append(ordered[len(found)].with_tags(tags))
        bar.update(len(found))
    return [found[place] for place in np.argsort(order)]
