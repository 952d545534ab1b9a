"""Predicts the tags of sentences."""

from collections.abc import Sequence

import keras
import numpy as np

from keras_ctx import data, layers, text


def predict_tags(
    model: keras.Model,
    sentences: Sequence[Sequence[str]],
    labels: Sequence[str],
    text_inputs: text.TextInputs,
    batch_size: int,
    verbose: bool = True,
) -> list[list[str]]:
    """Returns the tags of each sentence, without those of words cut off.

    Batches are formed in order of length, which is faster. A CRF chooses all
    tags of a sentence together; with constraints, those of whole words.

    Args:
        model: A `models.tagger`.
        sentences: The words of each sentence.
        labels: The tags in the order of their ids.
        text_inputs: The text inputs of the encoder.
        batch_size: Sentences per batch.
        verbose: Whether to show a progress bar.

    Example:
        >>> from keras_ctx import models
        >>> model = models.tagger(
        ...     models.elmo_encoder([(1, 8)], 16, 4, max_characters=5), 1)
        >>> predict_tags(model, [["In", "Rome"], ["Here"]], ["O"],
        ...              text.ElmoInputs(max_characters=5), 8, verbose=False)
        [['O', 'O'], ['O']]
    """
    counts = data.word_token_counts(text_inputs, sentences)
    order = data.order_of_lengths(counts)
    ordered = [sentences[place] for place in order]
    dataset = data.tagging_dataset(
        ordered,
        # The dataset needs an id for each word; it is not used.
        [[0] * len(words) for words in ordered],
        text_inputs,
        batch_size=batch_size,
        training=False,
    )
    crf = next((x for x in model.layers if isinstance(x, layers.CRF)), None)
    predicted = []
    bar = keras.utils.Progbar(len(sentences), verbose=int(verbose))
    for features, _, weights in dataset:
        outputs = model.predict_on_batch(features)
        words = np.asarray(weights["logits"]) > 0
        if crf is None:
            best = outputs["logits"].argmax(-1)
        elif crf.constraints is None:
            best = outputs["tags"]
        else:
            best = np.asarray(crf.best_path(outputs["logits"], words)[0])
        for ids, mask in zip(best, words, strict=True):
            predicted.append([labels[i] for i in ids[mask]])
        bar.update(len(predicted))
    return [predicted[place] for place in np.argsort(order)]
