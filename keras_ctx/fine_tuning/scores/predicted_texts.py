"""Predicts the logits of labelled texts."""

import keras
import numpy as np

from keras_ctx import data, text


def predict_texts(
    model: keras.Model,
    rows: data.LabelledTexts,
    task: data.TextTask,
    text_inputs: text.TextInputs,
    batch_size: int,
    verbose: bool = True,
) -> np.ndarray:
    """Returns the logits of texts or text pairs, in their order.

    Batches are formed in order of length, which is faster.

    Args:
        model: A compiled `models.classifier`.
        rows: The texts.
        task: The task, which defines the labels.
        text_inputs: The text inputs of the encoder.
        batch_size: Texts per batch.
        verbose: Whether to show a progress bar.

    Returns:
        Logits `(n, K)` for `n` texts and `K` labels.

    Example:
        >>> from pathlib import Path
        >>> from keras_ctx import models
        >>> model = models.classifier(
        ...     models.elmo_encoder([(1, 8)], 16, 4, max_characters=5), 2)
        >>> model.compile()
        >>> rows = data.LabelledTexts(
        ...     Path("a.tsv"), [1, 2], ["a b c", "a"], None, ["yes", "no"])
        >>> logits = predict_texts(
        ...     model, rows, data.Classification(["no", "yes"]),
        ...     text.ElmoInputs(max_characters=5), 8, verbose=False)
        >>> logits.shape
        (2, 2)
    """
    pairs = [rows.texts, *([rows.text_pairs] if rows.text_pairs else [])]
    counts = data.token_counts(text_inputs, *pairs)
    order = data.order_of_lengths(counts)
    ordered = rows.at(order)
    dataset = data.classification_dataset(
        ordered.texts,
        task.targets(ordered),
        text_inputs,
        batch_size=batch_size,
        training=False,
        text_pairs=ordered.text_pairs,
    )
    logits = model.predict(dataset, verbose="auto" if verbose else 0)["logits"]
    return logits[np.argsort(order)]
