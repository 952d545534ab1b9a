"""Predicts answers to questions over all windows of their contexts."""

from collections.abc import Iterator
from typing import Any

import keras

from keras_ctx import data, text


def predict_answers(
    model: keras.Model,
    windows: data.QuestionWindows,
    text_inputs: text.TextInputs,
    *,
    batch_size: int,
    top_k: int = 20,
    max_answer: int = 30,
    null_answer: bool = False,
    verbose: bool = True,
) -> list[data.QuestionAnswers]:
    """Returns the best answers to each question.

    Args:
        model: A `models.span_extractor`.
        windows: The windows of the questions.
        text_inputs: The text inputs of the encoder.
        batch_size: Windows per batch.
        top_k: See `data.decode_answers`.
        max_answer: See `data.decode_answers`.
        null_answer: See `data.decode_answers`.
        verbose: Whether to show a progress bar.

    Example:
        >>> from keras_ctx import models
        >>> model = models.span_extractor(
        ...     models.elmo_encoder([(1, 8)], 16, 4, max_characters=5))
        >>> inputs = text.ElmoInputs(max_characters=5, max_length=9)
        >>> windows = data.question_windows(
        ...     [data.SquadQuestion("q", "How?", "one two")], inputs,
        ...     training=False, max_question=3)
        >>> found = predict_answers(
        ...     model, windows, inputs, batch_size=1, verbose=False)
        >>> sorted(each.text for each in found[0].candidates)
        ['one', 'one two', 'two']
    """
    dataset = data.squad_dataset(
        windows, text_inputs, batch_size=batch_size, training=False
    )
    bar = keras.utils.Progbar(
        len(windows.windows), verbose=int(verbose), unit_name="window"
    )

    def batches() -> Iterator[tuple[Any, Any]]:
        for features, where in dataset:
            yield where, model.predict_on_batch(features)
            bar.add(len(where["window"]))

    return data.decode_answers(
        windows,
        batches(),
        top_k=top_k,
        max_answer=max_answer,
        null_answer=null_answer,
    )
