"""Datasets of question windows, for training and prediction."""

from typing import Any

import tensorflow as tf

from keras_ctx.data.batching.row_dataset import batched_rows
from keras_ctx.data.batching.schedule import order_of_lengths
from keras_ctx.data.squad.windows import QuestionWindows
from keras_ctx.data.text_inputs import TextInputs


def check_training_windows(made: QuestionWindows, batch_size: int) -> None:
    """Refuses too few windows for one batch, before training begins.

    Args:
        made: The windows for training.
        batch_size: Windows per step.

    Raises:
        ValueError: There are fewer windows than `batch_size`.

    Example:
        >>> from keras_ctx.data import SquadQuestion, question_windows
        >>> from keras_ctx.text import ElmoInputs
        >>> questions = [SquadQuestion("q", "How?", "one two three")]
        >>> made = question_windows(
        ...     questions, ElmoInputs(max_length=99), training=False)
        >>> check_training_windows(made, 2)
        Traceback (most recent call last):
        ValueError: `train` must give at least the 2 windows of one step...
    """
    if len(made.windows) < batch_size:
        raise ValueError(
            f"`train` must give at least the {batch_size} windows of one step. "
            "Lower `batch_size`, or correct skipped questions. Received: "
            f"{made.findings.report()}"
        )


def squad_dataset(
    made: QuestionWindows,
    text_inputs: TextInputs,
    *,
    batch_size: int,
    training: bool,
    seed: int = 0,
    first_step: int = 0,
    bucket_batches: int = 16,
) -> tf.data.Dataset:
    """Returns batches of questions with windows of their contexts.

    For training, epochs, order and steps are as in `classification_dataset`,
    counted in windows. The targets of an answer are the position of its first
    word's first piece and that of its last word's last piece. A window without
    an answer has position 0 for both: `[CLS]`, or for ELMo, which has no
    `[CLS]`, the first word of the question.

    For prediction, the dataset is one pass, short windows first. Instead of
    targets it has what `decode_answers` needs to locate answers.

    Args:
        made: The windows from `question_windows`. Their answers are used only
            for training.
        text_inputs: The same as for `question_windows`.
        batch_size: Global batch size B in windows, over all replicas.
        training: Whether the dataset is for training.
        seed: The seed of the order in training.
        first_step: Number of the first batch in training.
        bucket_batches: Number of training batches to sort by length together.
            1 means no sorting.

    Returns:
        A `tf.data.Dataset`. For training: `(features, {"start_logits":
        positions, "end_logits": positions})`, each int32 `(B,)`. For
        prediction: `(features, {"window": numbers, "word_index": words})`:
        int32 `(B,)`, indices in `made.windows`, and int32 `(B, T)`, the word
        of every position, counted in the window, or -1.

    Raises:
        ValueError: There are no windows, or they do not fill one training
            batch.

    Example:
        >>> from keras_ctx.data import (
        ...     SquadAnswer, SquadQuestion, question_windows)
        >>> from keras_ctx.text import ElmoInputs
        >>> answers = (SquadAnswer("two three", 4),)
        >>> questions = [SquadQuestion("q", "How?", "one two three", answers)]
        >>> inputs = ElmoInputs(max_length=9)
        >>> made = question_windows(
        ...     questions, inputs, training=True, max_question=3)
        >>> dataset = squad_dataset(made, inputs, batch_size=1, training=True)
        >>> _, targets = next(iter(dataset))
        >>> inputs.tokens(["How ?"], ["one two three"]).numpy()[0].tolist()
        [b'How', b'?', b'</S>', b'<S>', b'one', b'two', b'three']
        >>> targets["start_logits"].numpy(), targets["end_logits"].numpy()
        (array([5], dtype=int32), array([6], dtype=int32))
    """
    if not made.windows:
        raise ValueError(
            "`made` must hold at least one window. Received: "
            f"{made.findings.report()}"
        )
    rows = WindowWords(made)
    lengths = [window.length for window in made.windows]
    order = tf.constant(short_first(made), tf.int32)

    def learned(numbers):
        asked, window = rows.words(numbers)
        index = text_inputs.word_index(asked, window)
        first, last = rows.answers(numbers)
        return text_inputs(asked, window), {
            "start_logits": _first_place(index == first[:, None]),
            "end_logits": _last_place(index == last[:, None]),
        }

    def answered(numbers):
        numbers = tf.gather(order, numbers)
        asked, window = rows.words(numbers)
        return text_inputs(asked, window), {
            "window": numbers,
            "word_index": text_inputs.word_index(asked, window),
        }

    return batched_rows(
        learned if training else answered,
        len(lengths),
        lambda: lengths,
        batch_size=batch_size,
        training=training,
        seed=seed,
        first_step=first_step,
        bucket_batches=bucket_batches,
    )


def short_first(made: QuestionWindows) -> list[int]:
    """Returns the numbers of the windows, short ones first."""
    return order_of_lengths([window.length for window in made.windows])


class WindowWords:
    """The words of questions and windows, with each text in memory once."""

    def __init__(self, made: QuestionWindows):
        flat: list[str] = []
        contexts: dict[int, int] = {}  # index of the first word of a context
        asked, begins, limits = [], [], []
        for words, context in zip(
            made.question_words, made.context_words, strict=True
        ):
            if id(context) not in contexts:
                contexts[id(context)] = len(flat)
                flat.extend(word for word, _ in context)
            asked.append(len(flat))
            flat.extend(words)
        for window in made.windows:
            context = contexts[id(made.context_words[window.question])]
            question = asked[window.question]
            size = len(made.question_words[window.question])
            begins.append((question, context + window.first))
            limits.append((question + size, context + window.limit))
        self._flat = tf.constant(flat, tf.string)
        self._begins = tf.constant(begins, tf.int32)
        self._limits = tf.constant(limits, tf.int32)
        # -2 matches no word; -1 is in `word_index` where there is no word.
        self._answers = tf.constant(
            [window.answer or (-2, -2) for window in made.windows], tf.int32
        )

    def words(self, numbers: tf.Tensor) -> tuple[Any, Any]:
        """Returns the ragged words of the questions and of the windows."""
        begins = tf.gather(self._begins, numbers)
        limits = tf.gather(self._limits, numbers)
        places: list[Any] = [
            tf.ragged.range(begins[:, side], limits[:, side]) for side in (0, 1)
        ]
        asked, window = (
            ragged.with_values(tf.gather(self._flat, ragged.values))
            for ragged in places
        )
        return asked, window

    def answers(self, numbers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        answers = tf.gather(self._answers, numbers)
        return answers[:, 0], answers[:, 1]


def _first_place(found: tf.Tensor) -> tf.Tensor:
    """Returns the first true position of each row, or 0 if none is true."""
    return tf.argmax(tf.cast(found, tf.int32), axis=1, output_type=tf.int32)


def _last_place(found: tf.Tensor) -> tf.Tensor:
    """Returns the last true position of each row, or 0 if none is true."""
    places = tf.range(tf.shape(found)[1])[None, :]
    return tf.reduce_max(tf.where(found, places, 0), axis=1)
