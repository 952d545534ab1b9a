"""Learns byte-level BPE from texts."""

import json
from collections.abc import Iterable

import tokenizers

from keras_ctx.checks import check_at_least
from keras_ctx.text.tokenize.byte_pairs import byte_letters


def byte_pair_vocabulary(
    texts: Iterable[str],
    vocabulary_size: int,
    end_token: str = "<|endoftext|>",
    min_count: int = 2,
) -> tuple[list[str], list[str]]:
    """Learns the vocabulary and the merges for `GPTInputs`.

    The `tokenizers` library counts the pairs. For a translator, give the
    texts of both languages, so that they share their tokens.

    Args:
        texts: Strings, read once.
        vocabulary_size: Maximum number of tokens: the 256 bytes, the merges
            and the end token, which comes last.
        end_token: The token between texts.
        min_count: Leaves out pairs that occur less often.

    Returns:
        The tokens in the order of their ids, and the pairs "left right".

    Raises:
        ValueError: `vocabulary_size` is below 257.

    Example:
        >>> tokens, merges = byte_pair_vocabulary(["low low lower"], 259)
        >>> merges, tokens[256:]
        (['l o', 'lo w'], ['lo', 'low', '<|endoftext|>'])

    Source:
        Sennrich et al. 2016, https://arxiv.org/abs/1508.07909.
    """
    letters = byte_letters()
    check_at_least(len(letters) + 1, vocabulary_size=vocabulary_size)
    check_at_least(1, min_count=min_count)
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(
        add_prefix_space=False
    )
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocabulary_size - 1,
        min_frequency=min_count,
        initial_alphabet=letters,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    pairs = [x if isinstance(x, str) else " ".join(x) for x in merges]
    # Our own order: bytes, then merges by rank.
    tokens = dict.fromkeys(
        [*letters, *("".join(pair.split(" ")) for pair in pairs), end_token]
    )
    return list(tokens), pairs
