"""Windows of questions to batches, to learn from and to answer."""

from typing import Any

import tensorflow as tf

from keras_ctx.data.batching.row_dataset import batched_rows
from keras_ctx.data.squad.windows import QuestionWindows
from keras_ctx.data.text_inputs import TextInputs


def check_training_windows(made: QuestionWindows, batch_size: int) -> None:
    """Refuse windows that do not fill one batch, before a run begins.

    Args:
        made: Those to learn from.
        batch_size: Windows a step.

    Raises:
        ValueError: They are fewer.

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
            "Lower `batch_size`, or mend what was skipped. Received: "
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
    """Batches of questions with windows of their contexts.

    For training, epochs, order and steps are those of
    `classification_dataset`, counted in windows. An answer is given by the
    position of its first word's first piece and that of its last word's last;
    a window without an answer has position 0 for both, which is `[CLS]`, or
    for ELMo, which has none, the first word of the question.

    For prediction: one pass, short rows first. What `decode_answers` needs
    to find its way back comes in the place of targets.

    Args:
        made: What `question_windows` gave; the answers of the file are read
            for training only.
        text_inputs: The same as there.
        batch_size: B, windows, over all replicas together.
        training: Which of the two.
        seed: Of the order in training.
        first_step: Number of the first batch in training.
        bucket_batches: How many training batches are sorted by length
            together; 1 is no sorting.

    Returns:
        A `tf.data.Dataset`. For training: `(features, {"start_logits":
        positions, "end_logits": positions})`, each int32 `(B,)`. For
        prediction: `(features, {"window": numbers, "word_index": words})`,
        int32 `(B,)`, a place in `made.windows`, and int32 `(B, T)`, for every
        position its word, counted in the window, or -1.

    Raises:
        ValueError: There is no window, or they do not fill one training
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
        lengths,
        batch_size=batch_size,
        training=training,
        seed=seed,
        first_step=first_step,
        bucket_batches=bucket_batches,
    )


def short_first(made: QuestionWindows) -> list[int]:
    """The numbers of the windows, those of short rows first."""
    lengths = [window.length for window in made.windows]
    return sorted(range(len(lengths)), key=lengths.__getitem__)


class WindowWords:
    """The words of questions and windows, each text in memory once."""

    def __init__(self, made: QuestionWindows):
        flat: list[str] = []
        contexts: dict[int, int] = {}  # where a list of words begins
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
        # -2 is the number of no word: -1 stands where there is no word.
        self._answers = tf.constant(
            [window.answer or (-2, -2) for window in made.windows], tf.int32
        )

    def words(self, numbers: tf.Tensor) -> tuple[Any, Any]:
        """Ragged words of the questions and of the windows."""
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
    """The first true place of each row, 0 where there is none."""
    return tf.argmax(tf.cast(found, tf.int32), axis=1, output_type=tf.int32)


def _last_place(found: tf.Tensor) -> tf.Tensor:
    """The last true place of each row, 0 where there is none."""
    places = tf.range(tf.shape(found)[1])[None, :]
    return tf.reduce_max(tf.where(found, places, 0), axis=1)
