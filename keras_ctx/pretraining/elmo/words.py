"""The words of an ELMo in pretraining: how to split lines, what to predict."""

from collections.abc import Callable, Iterator
from typing import Any

from keras_ctx import data, text
from keras_ctx.pretraining.options.elmo import ElmoPretrainingOptions


def predicted_words(options: ElmoPretrainingOptions) -> list[str]:
    """Returns the words of `init` or the records, or frequent ones in the
    corpus.

    Args:
        options: Options of the recipe.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("news.txt").write_text("a b a\\nb a c\\n")
        >>> options = ElmoPretrainingOptions(
        ...     output=Path("runs/one"), corpus=Path("news.txt"),
        ...     split="whitespace", min_count=2)
        >>> predicted_words(options)
        ['<S>', '</S>', '<UNK>', 'a', 'b']
    """
    if options.words is not None:
        return text.load_vocabulary(options.words)
    return text.word_vocabulary(
        data.read_lines(options.corpus_path),
        vocabulary_size=options.vocabulary_size,
        min_count=options.min_count,
        split=options.split,
    )


def line_splitter(
    options: ElmoPretrainingOptions,
) -> Callable[[str], list[str]]:
    """Returns a function that splits a line into words.

    A corpus is split as by `text.ElmoInputs`; in records, words are separated
    by spaces.

    Args:
        options: Uses `split` and `records`.

    Example:
        >>> from pathlib import Path
        >>> line_splitter(ElmoPretrainingOptions(output=Path("one")))("ab c")
        ['a', 'b', 'c']
    """
    if options.records is not None or options.split == "whitespace":
        return str.split
    return lambda line: list("".join(line.split()))


def warm_start_batches(
    options: ElmoPretrainingOptions, text_inputs: text.TextInputs
) -> Iterator[dict[str, Any]]:
    """Returns the first lines of the corpus, for `models.warm_start`.

    Args:
        options: Uses `corpus`, and `warm_start`, the number of lines.
        text_inputs: The text inputs of the encoder, without distinct words.

    Raises:
        ValueError: There are fewer than two lines with words.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("news.txt").write_text("a b\\nc d e\\nf\\n")
        >>> options = ElmoPretrainingOptions(
        ...     output=Path("runs/one"), corpus=Path("news.txt"), warm_start=2,
        ...     split="whitespace")
        >>> batches = warm_start_batches(options, text.ElmoInputs(5))
        >>> [batch["char_ids"].shape for batch in batches]
        [(1, 2, 5), (1, 3, 5)]
    """
    lines = data.read_lines(options.corpus_path)
    return data.warm_start_batches(lines, text_inputs, options.warm_start or 0)
