"""Counts code points, alone and in a word, where WordPiece's words differ from
those of the `tokenizers` library."""

from collections import Counter
from collections.abc import Iterable

import pytest
from tokenizers import normalizers, pre_tokenizers

from keras_ctx.text import SPECIAL_TOKENS, BertInputs

# The planes that Unicode has characters in; the rest is empty or private.
PLANES = (0, 1, 2, 3, 14)
# A word between two code points: rows are equal if every part is.
BETWEEN = " qq "
BLOCK = 128
# Differences from the reference. Except for ideographs, its Unicode tables are
# older than TensorFlow's: code points are missing, or (such as U+166D and
# U+1734) in another class.
EFFECTS = {
    # Split off: 140 punctuation marks and the 256 ideographs from U+2B820.
    "splits": 396,
    # Non-spacing marks and, in both casings, 20 format characters.
    "drops": 438,
    # U+166D and U+111C9 are punctuation for the reference.
    "joins": 2,
    # 19 letters that decompose; U+1734 is a mark for the reference.
    "lengthens": 20,
    # Capitals.
    "changes": 97,
}
CASED_EFFECTS = {"splits": 396, "drops": 20, "joins": 2}


def words_of(inputs: BertInputs, texts: list[str]) -> list[list[str]]:
    rows = inputs.tokens(texts).numpy().tolist()
    return [
        [word.decode() for word in row if word][1:-1]  # [CLS], [SEP]
        for row in rows
    ]


def effect(ours: list[str], theirs: list[str]) -> str:
    if len(ours) != len(theirs):
        return "splits" if len(ours) > len(theirs) else "joins"
    ours_length, length = len("".join(ours)), len("".join(theirs))
    if ours_length == length:
        return "changes"
    return "drops" if ours_length < length else "lengthens"


def points_of(planes: Iterable[int]) -> list[int]:
    return [
        point
        for plane in planes
        for point in range(0x10000 * plane, 0x10000 * (plane + 1))
        if not 0xD800 <= point < 0xE000
    ]


def differing(
    shape: str, lower_case: bool, points: list[int]
) -> dict[int, str]:
    """Returns code points with other words than the reference's."""
    # No word of the texts is known, so every token is a whole word.
    inputs = BertInputs(
        [*SPECIAL_TOKENS, "unused"], 5000, lower_case=lower_case
    )
    normalizer = normalizers.BertNormalizer(lowercase=lower_case)
    splitter = pre_tokenizers.BertPreTokenizer()

    def reference(text: str) -> list[str]:
        normal = normalizer.normalize_str(text)
        return [word for word, _ in splitter.pre_tokenize_str(normal)]

    texts = [shape.format(chr(point)) for point in points]
    blocks = [texts[i : i + BLOCK] for i in range(0, len(texts), BLOCK)]
    rows = words_of(inputs, [BETWEEN.join(block) for block in blocks])
    suspects = [
        text
        for block, row in zip(blocks, rows, strict=True)
        if row != reference(BETWEEN.join(block))
        for text in block
    ]
    place = shape.index("{")
    return {
        ord(text[place]): effect(ours, reference(text))
        for text, ours in zip(suspects, words_of(inputs, suspects), strict=True)
        if ours != reference(text)
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "lower_case", [True, pytest.param(False, marks=pytest.mark.slow)]
)
def test_every_code_point(lower_case: bool) -> None:
    points = points_of(PLANES)
    alone = differing("{}", lower_case, points)
    inside = differing("a{}b", lower_case, points)
    expected = EFFECTS if lower_case else CASED_EFFECTS
    assert Counter(inside.values()) == expected
    assert sum(expected.values()) == (953 if lower_case else 418)
    # The rest is one word in both, also alone.
    assert len(alone) == (556 if lower_case else 20)
    assert alone.keys() <= inside.keys()
    ideographs = range(0x2B820, 0x2B920)
    assert {inside[point] for point in ideographs} == {"splits"}


@pytest.mark.slow
@pytest.mark.parametrize("lower_case", [True, False])
def test_every_code_point_of_the_other_planes(lower_case: bool) -> None:
    points = points_of(set(range(17)) - set(PLANES))
    for shape in ("{}", "a{}b"):
        assert not differing(shape, lower_case, points)
