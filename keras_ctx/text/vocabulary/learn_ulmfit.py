"""Learns the vocabulary of ULMFiT from texts."""

from collections import Counter
from collections.abc import Iterable

from keras_ctx.text.tokenize.fastai_rules import FastaiRules
from keras_ctx.text.vocabulary.file import ULMFIT_SPECIAL_TOKENS
from keras_ctx.text.vocabulary.learn import check_limits, ranked, text_batches


def ulmfit_vocabulary(
    texts: Iterable[str],
    vocabulary_size: int | None = 60_000,
    min_count: int = 3,
    split: str = "words",
) -> list[str]:
    """Builds the vocabulary for `ULMFiTInputs`.

    Args:
        texts: Strings, read once.
        vocabulary_size: Maximum number of tokens, special tokens included;
            `None` for no limit.
        min_count: Leaves out tokens that occur less often.
        split: `"words"` or `"character"`, as in `ULMFiTInputs`.

    Returns:
        fastai's nine special tokens, from `xxunk` to `xxmaj`, then the others
        by descending frequency, ties by code point.

    Raises:
        ValueError: An argument is out of range.

    Example:
        >>> from keras_ctx.text import ulmfit_vocabulary
        >>> ulmfit_vocabulary(["A cat, a CAT", "a dog"], min_count=2)[9:]
        ['a', 'cat']

    Source:
        `fastai.text.data.make_vocab`.
    """
    check_limits(vocabulary_size, min_count, len(ULMFIT_SPECIAL_TOKENS))
    if split not in ("words", "character"):
        raise ValueError(
            f'`split` must be "words" or "character". Received: split={split!r}'
        )
    rules = FastaiRules(ULMFIT_SPECIAL_TOKENS, split == "character")
    counts: Counter[bytes] = Counter()
    for batch in text_batches(texts):
        counts.update(rules(batch).values.numpy().tolist())
    words = Counter({word.decode(): n for word, n in counts.items()})
    return ranked(ULMFIT_SPECIAL_TOKENS, words, vocabulary_size, min_count)
