"""BLEU of translations, by sacreBLEU."""

from collections.abc import Sequence
from typing import Any

from keras_ctx.checks import check_choice
from keras_ctx.extras import need

TOKENIZERS = ("13a", "intl", "zh", "char", "none")


def bleu(
    translations: Sequence[str],
    references: Sequence[str],
    tokenizer: str = "13a",
) -> dict[str, Any]:
    """Returns the corpus BLEU of translations, from 0 to 100.

    It needs the package `sacrebleu`, of the extra `recipes`.

    Args:
        translations: Texts, not split into tokens.
        references: The right translation of each.
        tokenizer: How sacreBLEU splits both: "13a", as in WMT, "intl", "zh"
            for Chinese, "char" or "none".

    Returns:
        `bleu`, and `bleu_signature`, sacreBLEU's name of exactly this score.

    Raises:
        ModuleNotFoundError: The package is not installed.
        ValueError: There are no translations, or not one for each reference.

    Example:
        >>> found = bleu(["the cat sat on the mat"], ["the cat sat on a mat"])
        >>> round(found["bleu"], 1)
        53.7
        >>> found["bleu_signature"].split("|version")[0]
        'nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp'

    Source:
        Post 2018, https://arxiv.org/abs/1804.08771.
    """
    need("`bleu` needs", "sacrebleu")
    check_choice(TOKENIZERS, tokenizer=tokenizer)
    if not translations or len(translations) != len(references):
        raise ValueError(
            "`translations` must have one text for each of `references`, one "
            f"or more. Received: {len(translations)} translations and "
            f"{len(references)} references"
        )
    from sacrebleu.metrics.bleu import BLEU

    metric = BLEU(tokenize=tokenizer)
    found = metric.corpus_score(list(translations), [list(references)])
    return {"bleu": found.score, "bleu_signature": str(metric.get_signature())}
