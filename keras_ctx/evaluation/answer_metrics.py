"""Chooses the formula that scores answers: SQuAD's, or CMRC 2018's."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

from keras_ctx.evaluation.cmrc import cmrc_exact_match, cmrc_f1
from keras_ctx.evaluation.questions import SquadQuestion
from keras_ctx.evaluation.squad import exact_match, word_f1

# Characters to read when detecting the language of a file.
_ENOUGH = 100_000
_CODE = re.compile("[a-z]{2,3}([-_][a-z0-9]+)*")


class AnswerMetrics(NamedTuple):
    """The two metrics of an answer, and the name of their formula.

    Example:
        >>> answer_metrics("zh").formula
        'CMRC 2018'
    """

    formula: str
    """"SQuAD" or "CMRC 2018"."""
    exact: Callable[[str, str], float]
    """Exact match of a prediction and an answer, from 0 to 1."""
    f1: Callable[[str, str], float]
    """F1 of a prediction and an answer, from 0 to 1."""
    note: str
    """A sentence about the formula, to print."""


def answer_metrics(language: str) -> AnswerMetrics:
    """Returns the metrics for answers in a language.

    Args:
        language: A code such as "en", "zh" or "zh-TW". Chinese is scored by
            CMRC 2018's formula, every other language by SQuAD's.

    Returns:
        The metrics.

    Raises:
        ValueError: `language` is not such a code.

    Example:
        >>> answer_metrics("zh-TW").f1("北京大学", "北京")
        0.6666666666666666
        >>> answer_metrics("en").f1("Denver Broncos", "the Broncos")
        0.6666666666666666
    """
    language = language.lower()
    if not _CODE.fullmatch(language):
        raise ValueError(
            '`language` must be a code such as "en", "zh" or "de". '
            f"Received: language={language!r}"
        )
    code = re.split("[-_]", language)[0]
    if code in ("zh", "cmn", "yue"):
        note = "Chinese: scored by CMRC 2018's formula, in characters"
        return AnswerMetrics("CMRC 2018", cmrc_exact_match, cmrc_f1, note)
    note = "scored by SQuAD's formula, in words between blanks"
    if code == "ja":
        note += "; Japanese has none, so F1 counts little but exact matches"
    elif code != "en":
        note += "; it drops English articles, and no others"
    return AnswerMetrics("SQuAD", exact_match, word_f1, f"{code}: {note}")


def find_language(questions: Sequence[SquadQuestion]) -> str:
    """Returns the language of a file, as far as its script shows it.

    Args:
        questions: The questions that `read_squad` returned.

    Returns:
        "zh", "ja" or "ko" if most letters are of that script; "en" for
        everything else, since letters do not tell English from German.

    Example:
        >>> find_language([SquadQuestion("q", "哪裡？", "在 Rome 城。")])
        'zh'
        >>> find_language([SquadQuestion("q", "どこですか", "東京です。")])
        'ja'
    """
    scripts: Counter[str] = Counter()
    texts = (text for q in questions for text in (q.question, q.context))
    letters = (c for text in texts for c in text if c.isalpha())
    for letter in islice(letters, _ENOUGH):
        # "CJK UNIFIED IDEOGRAPH-5317", "HIRAGANA LETTER NO", ...
        scripts[unicodedata.name(letter, "").split(" ")[0]] += 1
    kana = scripts["HIRAGANA"] + scripts["KATAKANA"]
    east_asian = {"zh": scripts["CJK"] + kana, "ko": scripts["HANGUL"]}
    language, count = max(east_asian.items(), key=lambda item: item[1])
    if 2 * count < sum(scripts.values()) or not count:
        return "en"
    # Chinese texts contain few kana, Japanese texts one every few letters.
    return "ja" if language == "zh" and 10 * kana > count else language
