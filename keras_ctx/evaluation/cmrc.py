"""Exact match and F1 of Chinese answers, as the script of CMRC 2018 counts."""

import re

# Dropped by the script. Its list also has "……", which it never finds, since it
# looks at one character at a time.
_MARKS = frozenset("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_IDEOGRAPH = re.compile("([\u4e00-\u9fa5])")
# Split off in the words between ideographs (Penn Treebank): punctuation except
# a comma before a digit, of full stops only the last; and English clitics.
_APART = re.compile(
    r"\.{2,}|[;@#$%&?!\"()\[\]{}<>–—]|,(?!\d)|\.(?=[\])}>\"'»]*\s*$)"
    r"|n't\b|'(?:s|m|d|ll|re|ve)\b|'(?=\s|$)"
)


def cmrc_segments(text: str) -> list[str]:
    """Splits an answer as the script compares it: ideographs and other words.

    The text is lower-cased, the punctuation of the script's list is dropped,
    and words are split at blanks. Each ideograph from U+4E00 to U+9FA5 is a
    segment; the text between them is split into English words.

    Args:
        text: Any string.

    Returns:
        The segments.

    Example:
        >>> cmrc_segments("《Verdi》的歌剧, 1,000 部。")
        ['verdi', '的', '歌', '剧', ',', '1,000', '部']

    Source:
        The evaluation script of Cui et al. 2019,
        https://github.com/ymcui/cmrc2018.

    Differs:
        The script splits English with NLTK's `word_tokenize`. The result is
        the same except for full stops inside an English text: NLTK splits
        off those that end a sentence, this function only the last one.
    """
    segments = []
    for place, part in enumerate(_IDEOGRAPH.split(_without_marks(text))):
        if place % 2:
            segments.append(part)
        else:
            apart = _APART.sub(lambda mark: f" {mark[0]} ", part)
            segments.extend(apart.split())
    return segments


def cmrc_exact_match(prediction: str, answer: str) -> float:
    """Returns 1.0 if two answers differ only in case and punctuation, else 0.0.

    Example:
        >>> cmrc_exact_match("《阿依达》", "阿依达")
        1.0
    """
    return float(_without_marks(prediction) == _without_marks(answer))


def cmrc_f1(prediction: str, answer: str) -> float:
    """Computes F1 over the longest run of segments that two answers share.

    The run is contiguous in both answers: other shared segments do not count,
    unlike in `word_f1`.

    Args:
        prediction: The answer to score.
        answer: The right answer.

    Returns:
        A score from 0.0, no segment in common, to 1.0.

    Example:
        >>> cmrc_f1("北京大学", "北京市的大学")  # 2 of 4, and 2 of 6
        0.4
    """
    found, true = cmrc_segments(prediction), cmrc_segments(answer)
    longest = _longest_shared_run(found, true)
    if not longest:
        return 0.0
    # 2pr / (p + r) of p = longest / len(found), r = longest / len(true).
    return 2 * longest / (len(found) + len(true))


def _without_marks(text: str) -> str:
    return "".join(c for c in text.lower().strip() if c not in _MARKS)


def _longest_shared_run(first: list[str], second: list[str]) -> int:
    longest = 0
    # Lengths of the shared runs that end at each segment of `second`.
    before = [0] * (len(second) + 1)
    for segment in first:
        runs = [0]
        for place, other in enumerate(second):
            runs.append(before[place] + 1 if segment == other else 0)
        longest = max(longest, *runs)
        before = runs
    return longest
