"""Targets and negative samples of a bidirectional language model."""

from collections.abc import Sequence

import tensorflow as tf

from keras_ctx.data.text_inputs import TextInputs

BEGIN, END, UNKNOWN = "<S>", "</S>", "<UNK>"
BEGIN_ID, END_ID, UNKNOWN_ID = 0, 1, 2


def language_model_targets(
    word_ids: tf.Tensor | tf.RaggedTensor,
    padding_mask: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns the targets of both directions, and their weights.

    A row of n words has n + 1 targets in each direction. Forward, target t is
    the token after the t-th token of `<S> w1 .. wn`, so the targets are
    `w1 .. wn </S>`. Backward, target p is the p-th token of `<S> w1 .. wn`,
    predicted from the tokens after it: the end marker predicts `wn` (index
    n), and `w1` predicts `<S>` (index 0). The markers have ids 0 and 1.

    Args:
        word_ids: int32 ids, ragged `(B, (T))` or dense `(B, T)`.
        padding_mask: For dense ids, bool `(B, T)`, True = real word. Padding
            comes after the real words. Without it, all words are real.

    Returns:
        `(forward_targets, backward_targets, weights)`, each `(B, T + 1)`:
        int32, int32, float32; weights are 1 on indices 0 to n. Padding
        targets are 0.

    Example:
        >>> forward, backward, weights = language_model_targets(
        ...     tf.ragged.constant([[7, 8], [9]]))
        >>> forward.numpy()
        array([[7, 8, 1],
               [9, 1, 0]], dtype=int32)
        >>> backward.numpy()
        array([[0, 7, 8],
               [0, 9, 0]], dtype=int32)
        >>> weights.numpy()
        array([[1., 1., 1.],
               [1., 1., 0.]], dtype=float32)
    """
    if isinstance(word_ids, tf.RaggedTensor):
        lengths = tf.cast(word_ids.row_lengths(), tf.int32)
        word_ids = word_ids.to_tensor()
        padding_mask = tf.sequence_mask(lengths, tf.shape(word_ids)[1])
    word_ids = tf.cast(word_ids, tf.int32)
    if padding_mask is None:
        padding_mask = tf.ones_like(word_ids, tf.bool)
    lengths = tf.reduce_sum(tf.cast(padding_mask, tf.int32), 1, keepdims=True)
    words = tf.where(padding_mask, word_ids, 0)
    place = tf.range(tf.shape(words)[1] + 1)
    forward = tf.pad(words, [[0, 0], [0, 1]])
    forward = tf.where(place == lengths, END_ID, forward)
    backward = tf.pad(words, [[0, 0], [1, 0]], constant_values=BEGIN_ID)
    return forward, backward, tf.cast(place <= lengths, tf.float32)


class TargetTable:
    """The words that a language model predicts, and negative samples.

    Args:
        vocabulary: The words by descending frequency, with `<S>`, `</S>` and
            `<UNK>` first.
        num_negatives: Number N of negative samples of the softmax; `None` for
            the full softmax.

    Raises:
        ValueError: The vocabulary lacks its markers, repeats a word, or has
            fewer than N words.
    """

    def __init__(self, vocabulary: Sequence[str], num_negatives: int | None):
        vocabulary = list(vocabulary)
        if vocabulary[:3] != [BEGIN, END, UNKNOWN]:
            raise ValueError(
                f"`vocabulary` must begin with {BEGIN!r}, {END!r}, "
                f"{UNKNOWN!r}. Received: {vocabulary[:3]}"
            )
        if len(set(vocabulary)) != len(vocabulary):
            repeated = next(w for w in vocabulary if vocabulary.count(w) > 1)
            raise ValueError(
                "`vocabulary` must hold every word once. "
                f"Received: {repeated!r} more than once"
            )
        if num_negatives is not None and num_negatives > len(vocabulary):
            raise ValueError(
                "`num_negatives` must be at most the size of `vocabulary`. "
                f"Received: num_negatives={num_negatives}, "
                f"{len(vocabulary)} words"
            )
        self.size = len(vocabulary)
        self.num_negatives = num_negatives
        ids = tf.range(len(vocabulary), dtype=tf.int32)
        self._table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(vocabulary, tf.string), ids
            ),
            UNKNOWN_ID,
        )

    def target_ids(self, words: tf.Tensor) -> tf.Tensor:
        """Returns int32 ids, of any shape, including those of the markers."""
        return self._table.lookup(words)

    def word_ids(self, words: tf.Tensor) -> tf.Tensor:
        """Returns the ids of a text's words, with markers as unknown words."""
        ids = self._table.lookup(words)
        return tf.where(ids > UNKNOWN_ID, ids, UNKNOWN_ID)

    def negatives(
        self, seed: tf.Tensor, batch_size: int | tf.Tensor
    ) -> tf.Tensor:
        """Returns int32 `(B, 2, N)`, one draw per direction.

        All rows are equal, so that the batch can be split over replicas.
        """
        if self.num_negatives is None:
            raise ValueError("`num_negatives` is None: there are no negatives.")
        drawn = [
            log_uniform_negatives(part, self.num_negatives, self.size)
            for part in tf.unstack(tf.random.split(seed, 2))
        ]
        return tf.tile(tf.stack(drawn)[None], tf.stack([batch_size, 1, 1]))


class LanguageModelInputs:
    """The features of `elmo_language_model` from texts.

    Args:
        text_inputs: An `ElmoInputs` or a `WordInputs`.
        vocabulary: As for `TargetTable`.
        num_negatives: As for `TargetTable`. They need a `seed` in the call.

    Call arguments:
        text: Strings `(B,)`.
        seed: Two integers, the seed of the negative samples.

    Returns:
        Features, and the weights of the targets: float32 `(B, T + 1)`, 1 for
        a target and 0 for padding.

    Example:
        >>> from keras_ctx.text import WordInputs
        >>> words = ["<S>", "</S>", "<UNK>", "a"]
        >>> inputs = LanguageModelInputs(WordInputs(words), words)
        >>> features, weights = inputs(tf.constant(["a b"]))
        >>> sorted(features)
        ['backward_targets', 'forward_targets', 'word_ids']
        >>> features["forward_targets"].numpy(), weights.numpy()
        (array([[3, 2, 1]], dtype=int32), array([[1., 1., 1.]], dtype=float32))
    """

    def __init__(
        self,
        text_inputs: TextInputs,
        vocabulary: Sequence[str],
        num_negatives: int | None = None,
    ):
        self.text_inputs = text_inputs
        self.table = TargetTable(vocabulary, num_negatives)

    def __call__(
        self, text: tf.Tensor, seed: tf.Tensor | None = None
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        words = self.text_inputs.tokens(text)
        forward, backward, weights = language_model_targets(
            self.table.word_ids(words), words != ""
        )
        features = {
            **self.text_inputs(text),
            "forward_targets": forward,
            "backward_targets": backward,
        }
        if seed is not None:
            batch_size = tf.shape(text)[0]
            features["negative_ids"] = self.table.negatives(seed, batch_size)
        return features, weights


def log_uniform_negatives(
    seed: tf.Tensor | tuple[int, int], num_negatives: int, vocabulary_size: int
) -> tf.Tensor:
    """Draws distinct word ids, frequent ones more often.

    Ids are drawn without replacement from
    `P(id) = log((id + 2) / (id + 1)) / log(vocabulary_size + 1)`, which
    fits a vocabulary sorted by descending frequency. The draw is the top
    `num_negatives` of log P plus Gumbel noise. It has the same distribution as
    drawing ids one by one until N are distinct, and is a pure function of
    `seed`.

    Args:
        seed: Two integers, as for `tf.random.stateless_uniform`.
        num_negatives: Number N of ids to draw.
        vocabulary_size: Number of ids in the vocabulary.

    Returns:
        int32 `(N,)`, all different, in the order in which they were drawn.

    Raises:
        ValueError: `num_negatives` is not from 1 to `vocabulary_size`.

    Example:
        >>> log_uniform_negatives((0, 1), 5, 1000).shape
        TensorShape([5])
        >>> sorted(log_uniform_negatives((0, 1), 4, 4).numpy().tolist())
        [0, 1, 2, 3]

    Source: `tf.random.log_uniform_candidate_sampler` has this distribution,
    but no stateless form. Gumbel top-k: Kool et al. 2019 (arXiv:1903.06059).
    """
    if not 1 <= num_negatives <= vocabulary_size:
        raise ValueError(
            "`num_negatives` must be from 1 to `vocabulary_size`. "
            f"Received: num_negatives={num_negatives}, "
            f"vocabulary_size={vocabulary_size}"
        )
    # float64: in float32 a uniform number has only 2**23 values, so with a
    # large vocabulary the largest noise would have ties.
    ids = tf.range(vocabulary_size, dtype=tf.float64)
    tiny = 2.0**-1022
    uniform = tf.random.stateless_uniform(
        [vocabulary_size], seed, minval=tiny, dtype=tf.float64
    )
    gumbel = -tf.math.log(-tf.math.log(uniform))
    log_p = tf.math.log(tf.math.log1p(1 / (ids + 1)))
    return tf.math.top_k(log_p + gumbel, k=num_negatives).indices
