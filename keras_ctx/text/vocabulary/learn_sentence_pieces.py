"""Trains SentencePiece models from texts."""

import io
from collections.abc import Iterable
from typing import Literal, get_args

from keras_ctx.checks import check_at_least, check_choice

Normalization = Literal["nmt_nfkc", "nfkc", "identity"]


def sentence_piece_model(
    texts: Iterable[str],
    vocabulary_size: int,
    character_coverage: float = 1.0,
    normalization: Normalization = "nmt_nfkc",
) -> bytes:
    """Trains a SentencePiece model (BPE) for `SentencePieceInputs`.

    For a translator, give the texts of both languages, so that they share
    their tokens. The ids 0 to 3 are padding, unknown, start and end; rare
    characters become bytes, so that nothing is unknown.

    Args:
        texts: Strings, read once.
        vocabulary_size: Maximum number of tokens, with 4 special tokens and
            256 bytes if there is room for them.
        character_coverage: Share of the characters that get tokens of their
            own.
        normalization: SentencePiece's rule for the characters of all texts.
            "nmt_nfkc" and "nfkc" turn full-width characters into half-width
            ones, so a translator writes these, too; "identity" changes none.

    Returns:
        The bytes of the model's file.

    Raises:
        ValueError: There is no text, `vocabulary_size` is too small for its
            characters, or `normalization` is unknown.

    Example:
        >>> model = sentence_piece_model(["a cat sat on a mat"] * 9, 24)
        >>> len(model) > 100
        True

    Source:
        Kudo and Richardson 2018, https://arxiv.org/abs/1808.06226; BPE:
        Sennrich et al. 2016, https://arxiv.org/abs/1508.07909.
    """
    import sentencepiece

    check_at_least(5, vocabulary_size=vocabulary_size)
    check_choice(get_args(Normalization), normalization=normalization)
    file = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=file,
            model_type="bpe",
            vocab_size=vocabulary_size,
            character_coverage=character_coverage,
            normalization_rule_name=normalization,
            byte_fallback=vocabulary_size > 1000,
            hard_vocab_limit=False,
            pad_id=0,
            unk_id=1,
            bos_id=2,
            eos_id=3,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise ValueError(
            "`texts` must have text, and `vocabulary_size` room for their "
            f"characters. Received: vocabulary_size={vocabulary_size}: {error}"
        ) from error
    return file.getvalue()
