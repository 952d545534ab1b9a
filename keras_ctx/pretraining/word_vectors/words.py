"""The words of a corpus as numbers, for the training of word vectors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_ctx import data, text
from keras_ctx.pretraining.options.word_vectors import WordVectorOptions

NUMBERS = "words.bin"


def check_word_counts(
    options: WordVectorOptions, counts: Mapping[str, int]
) -> None:
    """Refuses a corpus that is too small to learn from.

    Args:
        options: Options of the recipe.
        counts: How often each word occurs.

    Raises:
        ValueError: Fewer than two words are left, or fewer words of text than
            a step has.

    Example:
        >>> options = WordVectorOptions(output=Path("runs/one"))
        >>> check_word_counts(options, {"the": 9})
        Traceback (most recent call last):
        ValueError: `corpus` must have two words or more that occur ...
    """
    if len(counts) < 2:
        raise ValueError(
            "`corpus` must have two words or more that occur "
            f"`min_count={options.min_count}` times. Received: {len(counts)} "
            f"in {options.corpus_path}. A text without blanks needs "
            "`split=character`."
        )
    total = sum(counts.values())
    if total <= options.words_per_step:
        raise ValueError(
            "`corpus` must have more words than a step, `words_per_step="
            f"{options.words_per_step}`. Give more text, or a smaller "
            f"`words_per_step`. Received: {total} in {options.corpus_path}"
        )


def word_numbers(
    options: WordVectorOptions, inputs: text.WordVectorInputs
) -> Path:
    """Writes the number of each word of the corpus, once.

    Words outside the vocabulary are left out, before windows are made, as in
    word2vec.

    Args:
        options: Uses `corpus` and `output`.
        inputs: Text inputs with the vocabulary.

    Returns:
        The file in the folder of the run, for `data.word_pairs`.

    Example:
        >>> import numpy as np
        >>> _ = Path("news.txt").write_text("a b c\\nc a\\n")
        >>> Path("runs/one").mkdir(parents=True)
        >>> options = WordVectorOptions(
        ...     output=Path("runs/one"), corpus=Path("news.txt"))
        >>> inputs = text.WordVectorInputs(["a", "c"])
        >>> np.fromfile(word_numbers(options, inputs), "<i4").tolist()
        Words of news.txt: 6
        [0, 1, 2, 1, 0, 2]
    """
    path = options.output / NUMBERS
    if path.is_file():
        return path
    size = inputs.vocabulary_size
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            tf.constant(inputs.vocabulary, tf.string), tf.range(size)
        ),
        -1,
    )

    def encode(lines: list[str]) -> Any:
        rows = inputs.rows(tf.constant(lines, tf.string))
        numbers = rows.with_values(table.lookup(rows.values))
        return tf.ragged.boolean_mask(numbers, numbers >= 0)

    def told(count: int) -> None:
        print(f"\rWords of {options.corpus_path}: {count:,}", end="")

    data.write_tokens(options.corpus_path, encode, size, path, told, lines=True)
    print()
    return path


def steps_of_pass(tokens: Path, words_per_step: int) -> int:
    """Returns the number of steps that read a file of words once.

    Example:
        >>> _ = Path("words.bin").write_bytes(bytes(4 * 100))
        >>> steps_of_pass(Path("words.bin"), 10)
        8
    """
    return data.windows_of_pass(tokens.stat().st_size // 4, words_per_step)


def subwords_of(inputs: text.WordVectorInputs) -> Any:
    """Returns the ids of each word's n-grams, ragged; `None` without them.

    Example:
        >>> inputs = text.WordVectorInputs(["ab", "c"], num_buckets=9)
        >>> subwords_of(inputs).row_lengths().numpy()
        array([3, 1])
    """
    if not inputs.num_buckets:
        return None
    # TensorFlow's type stubs do not know the factory.
    ragged_tensor: Any = tf.RaggedTensor
    rows = []
    for start in range(0, inputs.vocabulary_size, 4096):
        words = [[x] for x in inputs.vocabulary[start : start + 4096]]
        ids = inputs(words)["subword_ids"]
        rows.append(ragged_tensor.from_tensor(ids[:, 0], padding=0))
    return tf.concat(rows, axis=0)
