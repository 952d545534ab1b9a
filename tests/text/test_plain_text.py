"""Text of printable ASCII skips the cleaning, and is as if it had not."""

import random

import pytest
import tensorflow as tf

from keras_ctx.text.tokenize.normalization import clean, normalize

_DRAW = random.Random(1)
TEXTS = [
    *map(chr, range(0x180)),
    *("Straße ΣΑΣ", "İstanbul", "naïve Café\tau lait", "北京 Is big", ""),
    *(
        "".join(_DRAW.choices("aZ ~!\x7f\x00\t\né中Σ", k=12))
        for _ in range(200)
    ),
    *("".join(map(chr, _DRAW.choices(range(0x20, 0x7F), k=30))) for _ in "abc"),
]


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
