"""Words with their offsets: by hand, and compared with BERT's tokens."""

from unicodedata import category

import pytest
from squad_files import ARTICLES

from keras_ctx.data.squad.word_offsets import (
    WordSpan,
    split_words,
    words_of_span,
)
from keras_ctx.text import BertInputs

CONTEXTS = [context for rows in ARTICLES.values() for context, _ in rows]
HARD = [
    "",
    " \t\n\u3000\u00a0 ",
    "in (1895).",
    "a\u00a0b\u3000c\u2003d\u2028e",
    "北京2100萬a北",
    "e\u0301a !\ufe0f\u200b b\u200dc \u200b \u0301x",
    "$5+5=10~`^ €5 “x” x—y ¿qué?",
    "\U00020000\U0001f642x\x00y\ufffd",
]


@pytest.mark.parametrize("text", CONTEXTS + HARD)
def test_words_are_slices_and_nothing_is_lost(text: str) -> None:
    words = split_words(text)
    end, between = 0, ""
    for word, offset in words:
        assert word and offset >= end
        assert text[offset : offset + len(word)] == word
        between += text[end:offset]
        end = offset + len(word)
    between += text[end:]
    # Characters in no word are invisible: white space, or marks without a base.
    assert all(c.isspace() or c in "\u200b\u0301" for c in between)


def test_by_hand() -> None:
    def words(text: str) -> list[str]:
        return [word for word, _ in split_words(text)]

    assert words("in (1895).") == ["in", "(", "1895", ")", "."]
    assert words("Levi's U.S. 24–10") == [
        *("Levi", "'", "s", "U", ".", "S", ".", "24", "–", "10")
    ]
    assert words("$5+5 €5") == ["$", "5", "+", "5", "€5"]
    assert words("人口2100萬。") == ["人", "口", "2100", "萬", "。"]
    assert words("x\U00020000y") == ["x", "\U00020000", "y"]
    assert words("ひらがな カタカナ") == ["ひらがな", "カタカナ"]
    assert words("cafe\u0301s !\ufe0fb") == ["cafe\u0301s", "!\ufe0f", "b"]
    assert words(" \u200b ") == []
    assert split_words("a  (b") == [("a", 0), ("(", 3), ("b", 4)]


@pytest.mark.parametrize("lower_case", [True, False])
@pytest.mark.parametrize("text", CONTEXTS + HARD)
def test_words_give_the_pieces_of_the_whole_text(text, lower_case) -> None:
    if not lower_case:  # if accents stay, a mark without a base is a token
        text = text.replace(" \u0301x", " x")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    shown = {c for c in "".join(CONTEXTS + HARD) if category(c)[0] in "LNPS"}
    letters = sorted(shown | {c.lower() for c in shown} - {"\ufffd"})
    tokens = [*special, *letters, *(f"##{letter}" for letter in letters)]
    inputs = BertInputs(tokens, 500, lower_case)
    words = [word for word, _ in split_words(text)]
    whole = inputs([text])["token_ids"].numpy().tolist()
    if not words:
        assert len(whole[0]) == 2
        return
    assert inputs([words])["token_ids"].numpy().tolist() == whole


def test_spans_by_hand() -> None:
    #        0123456789012345678
    text = "ab (1895) cd, 30km"
    words = split_words(text)  # ab ( 1895 ) cd , 30km
    for start, end, expected in [
        (0, 2, (0, 1, False)),
        (4, 8, (2, 3, False)),
        (3, 9, (1, 4, False)),
        (2, 9, (1, 4, False)),  # from the space on
        (10, 13, (4, 6, False)),
        (14, 16, (6, 7, True)),
        (1, 5, (0, 3, True)),
        (16, 18, (6, 7, True)),
        (0, 18, (0, 7, False)),
        (9, 14, (4, 6, False)),  # spaces on both sides
        (0, 99, (0, 7, False)),
    ]:
        assert words_of_span(words, start, end) == WordSpan(*expected)
    for start, end in [(2, 3), (9, 10), (5, 5), (7, 5), (18, 20), (0, 0)]:
        assert words_of_span(words, start, end) is None
    assert words_of_span([], 0, 5) is None


@pytest.mark.parametrize("text", CONTEXTS + HARD)
def test_every_span_has_the_words_that_it_touches(text: str) -> None:
    words = split_words(text)
    for start in range(0, len(text), 3):
        for end in range(start + 1, min(start + 40, len(text) + 1), 4):
            touched = [
                number
                for number, (word, offset) in enumerate(words)
                if offset < end and offset + len(word) > start
            ]
            span = words_of_span(words, start, end)
            if span is None:
                assert not touched
                continue
            assert list(range(span.first, span.limit)) == touched
            first, last = words[touched[0]], words[touched[-1]]
            wider = first[1] < start or last[1] + len(last[0]) > end
            assert span.widened == wider
