import math

import pytest

from keras_ctx.evaluation import bleu


def test_by_hand() -> None:
    # 5 of 6 words, 3 of 5 pairs, 2 of 4 triples, 1 of 3 of four words.
    found = bleu(["the cat sat on the mat"], ["the cat sat on a mat"])
    mean = (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25
    assert found["bleu"] == pytest.approx(100 * mean, rel=1e-9)


def test_short_translations_are_penalized() -> None:
    found = bleu(["a b c d e"], ["a b c d e f g"])
    assert found["bleu"] == pytest.approx(100 * math.exp(1 - 7 / 5), rel=1e-9)


def test_chinese_by_characters() -> None:
    found = bleu(["我在北京读书。"], ["我在北京读书。"], "zh")
    assert found["bleu"] == pytest.approx(100)
    assert "tok:zh" in found["bleu_signature"]
    # As one word it is wrong as a whole.
    assert bleu(["我在北京读书"], ["我在北京看书"], "13a")["bleu"] == 0
    assert bleu(["我在北京读书"], ["我在北京看书"], "zh")["bleu"] > 30


@pytest.mark.parametrize(
    ("texts", "references", "tokenizer", "message"),
    [
        (["a"], ["a", "b"], "13a", "1 translations and 2 references"),
        ([], [], "13a", "0 translations"),
        (["a"], ["a"], "words", "`tokenizer` must be"),
    ],
)
def test_refusals(
    texts: list[str], references: list[str], tokenizer: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        bleu(texts, references, tokenizer)
