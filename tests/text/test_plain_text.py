"""Text with nothing to clean skips the cleaning, and is as if it had not."""

import random
import re

import pytest
import tensorflow as tf

from keras_ctx.text.tokenize.normalization import CLEAN, clean, normalize

_DRAW = random.Random(1)
TEXTS = [
    *map(chr, range(0x180)),
    *("Straße ΣΑΣ", "İstanbul", "naïve Café\tau lait", "北京 Is big", ""),
    *(
        "".join(_DRAW.choices("aZ ~!\x7f\x00\t\né中Σ", k=12))
        for _ in range(200)
    ),
    *("".join(map(chr, _DRAW.choices(range(0x20, 0x7F), k=30))) for _ in "abc"),
    *(
        "春天来了，花开了。",
        "“一”——《二》……【三】！",
        "ABC北京　Ａ１",
        "〪北〓",
        "가龦凉",
    ),
]
# Every character, but the surrogates, which no text has.
ALL = [chr(x) for x in range(0x110000) if not 0xD800 <= x < 0xE000]


@pytest.mark.parametrize("strip_accents", [None, True, False])
@pytest.mark.parametrize("lower_case", [True, False])
def test_all_texts_are_as_if_cleaned(lower_case: bool, strip_accents) -> None:
    texts = tf.constant([*(x.encode() for x in TEXTS), b"\xff A\xc3", b"\xc3"])
    found = normalize(texts, lower_case, strip_accents).numpy()
    expected = clean(texts, lower_case, strip_accents).numpy()
    assert found.tolist() == expected.tolist()


def test_no_text_and_only_one_kind() -> None:
    for texts in ([], ["Plain", "TEXT"], ["É", "é"]):
        tensor = tf.constant(texts, tf.string)
        found = normalize(tensor, True).numpy().tolist()
        assert found == clean(tensor, True, None).numpy().tolist()


@pytest.mark.parametrize("lower_case", [True, False])
def test_no_clean_character_is_changed(lower_case: bool) -> None:
    pattern = re.sub(r"\\x\{(\w+)\}", lambda x: chr(int(x[1], 16)), f"{CLEAN}+")
    texts = [x for x in ALL if re.fullmatch(pattern, x)]
    assert len(texts) == 95 + 7 + 17 + 20_902 + 32
    found = tf.strings.regex_full_match(ALL, f"{CLEAN}+").numpy()
    assert [x for x, y in zip(ALL, found, strict=True) if y] == texts
    cleaned = [
        x.decode() for x in clean(tf.constant(texts), lower_case, True).numpy()
    ]
    assert cleaned == [
        x.lower() if lower_case and x.isascii() else x for x in texts
    ]
