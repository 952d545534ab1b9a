"""fastai's text rules by hand, and the rows of ULMFiT."""

import re
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import text
from keras_ctx.text.tokenize.fastai_rules import FastaiRules

SPECIAL = "xxunk xxpad xxbos xxeos xxfld xxrep xxwrep xxup xxmaj".split()
UNK, PAD, BOS, EOS, FLD, REP, WREP, UP, MAJ = range(9)
TOKENS = [*SPECIAL, "a", "b", "c", "3", "!"]
A, B, C, THREE, MARK = range(9, 14)
RULES = FastaiRules(SPECIAL)

EXPECTED = [
    # Repeated characters: three or more, no blanks; digits, too.
    ("cccc", "xxrep 4 c"),
    ("wow!!! aab", "wow xxrep 3 ! aab"),
    ("1000    10", "1 xxrep 3 0 10"),
    ("AAAb", "xxrep 3 a b"),  # a capital alone is not marked
    ("哈哈哈哈好", "xxrep 4 哈 好"),
    # Repeated words: the last one may have more behind it.
    ("so so so good", "xxwrep 3 so good"),
    ("so\nso so so, so", "xxwrep 4 so , so"),
    ("so so", "so so"),
    ("so so so-so", "xxwrep 3 so - so"),
    ("So so so so", "xxmaj so xxwrep 3 so"),
    ("so so soso", "so so soso"),
    # The pattern has read the blank before the first b: it begins nothing.
    ("a a a b b b", "xxwrep 3 a b b b"),
    ("a a a  b b b", "xxwrep 3 a xxwrep 3 b"),
    ("a a a b b b b", "xxwrep 3 a b xxwrep 3 b"),
    ("a a a b b b c c c", "xxwrep 3 a b b b xxwrep 3 c"),
    ("a a a a b b b c c c c", "xxwrep 4 a b b b xxwrep 4 c"),
    ("! ! !", "! ! !"),
    # HTML, in fastai's order: `&amp;` loses only `amp;`.
    ("a&amp;b &#39;x&quot; i&#146;m", "a & & b & ' x & ' i & ' m"),
    ("a<br />b\\nc", "a b c"),
    ("&lt;p&gt; caf&eacute; &#8217; &#x27;", "< p > café ’ '"),
    ("AT&T; x&nosuch; &", "xxup at & t ; x & nosuch ; &"),
    ("<unk> 3 @.@ 5 well @-@ known so...", "xxunk 3 . 5 well - known so …"),
    # Capitals: of ASCII, at the beginning of a word.
    ("A USA McDonald Hello, (Hello) X2 O'NEIL", None),
    ("Élan ÉCOLE", "élan école"),
    # Blanks and signs.
    ("a/b #c \\d", "a / b # c \\ d"),
    ("  a\t\u3000b\x85c ", "a b c"),
    ("don't 3.5 10€", "don ' t 3 . 5 10 €"),
    ("", ""),
    ("xxmaj Xxmaj", "xxmaj xxmaj xxmaj"),
]


@pytest.mark.parametrize(("given", "expected"), EXPECTED)
def test_rules(given: str, expected: str | None) -> None:
    if expected is None:
        expected = (
            "a xxup usa mcdonald xxmaj hello , ( hello ) xxup x2 xxup o ' neil"
        )
    (found,) = RULES([given]).to_list()
    assert [x.decode() for x in found] == expected.split()


def test_a_batch_is_its_texts() -> None:
    texts = [given for given, _ in EXPECTED] * 2
    alone = [RULES([x]).to_list()[0] for x in texts[: len(EXPECTED)]]
    graph = tf.function(
        RULES.__call__, input_signature=[tf.TensorSpec([None], tf.string)]
    )
    assert graph(tf.constant(texts)).to_list() == alone * 2
    assert graph(tf.constant([], tf.string)).to_list() == []


def test_repeated_words_as_the_pattern() -> None:
    """All texts of a few words, beside a pattern with a back-reference."""
    pattern = re.compile(r"(?:\s|^)(\w+)\s+((?:\1\s+)+)\1(\s|\W|$)")
    draw = np.random.default_rng(0)
    parts = np.array(["a ", "b ", "a  ", "a, ", "ab ", "a"])
    weights = [0.4, 0.3, 0.1, 0.1, 0.05, 0.05]
    texts = [
        "".join(draw.choice(parts, draw.integers(3, 16), p=weights))
        for _ in range(500)
    ]

    def as_number(match: re.Match) -> str:
        word, more, end = match.groups()
        return f" xxwrep {len(more.split()) + 2} {word} {end}"

    count = 0
    for x, found in zip(texts, RULES(texts).to_list(), strict=True):
        if "aaa" in x:  # the rule of characters comes first
            continue
        expected = pattern.sub(as_number, x).replace(",", " , ").split()
        assert [token.decode() for token in found] == expected
        count += "xxwrep" in expected
    assert count > 100


def test_characters() -> None:
    rules = FastaiRules(SPECIAL, characters=True)
    found = rules(["好 好!!! Ab1", "xxunk"]).to_list()
    expected = ["好 好 xxrep 3 ! xxmaj a b 1", "xxunk"]
    assert found == [[y.encode() for y in x.split()] for x in expected]


def test_rows() -> None:
    inputs = text.ULMFiTInputs(TOKENS)
    found = inputs(["A b!!!", "zz", ""])
    assert found["token_ids"].numpy().tolist() == [
        [BOS, A, B, REP, THREE, MARK],
        [BOS, UNK, PAD, PAD, PAD, PAD],
        [BOS, PAD, PAD, PAD, PAD, PAD],
    ]
    lengths = found["padding_mask"].numpy().sum(axis=1)
    assert lengths.tolist() == [6, 2, 1]
    assert inputs.tokens(["B zz"]).numpy().tolist() == [
        [b"xxbos", b"b", b"xxunk"]
    ]
    pair = inputs(["a b c a"], ["c b"])["token_ids"].numpy().tolist()
    assert pair == [[BOS, A, B, C, A, FLD, C, B]]
    short = inputs.with_settings(max_length=5)
    assert short(["a b c a"], ["c b"])["token_ids"].numpy().tolist() == [
        [BOS, A, B, FLD, C]
    ]
    assert short.uncut()(["a b c a b c"])["token_ids"].shape == (1, 7)
    assert inputs.special_positions() == inputs.leading_positions() == 1
    assert inputs.special_positions(2) == 2
    assert inputs.num_tokens(["a b", ""]).numpy().tolist() == [3, 1]


def test_unknown() -> None:
    inputs = text.ULMFiTInputs(TOKENS)
    unknown, real = inputs.unknown(inputs(["a zz", "b"]))
    assert unknown.tolist() == [[False, False, True], [False, False, False]]
    assert real.tolist() == [[False, True, True], [False, True, False]]


def test_words_and_labels() -> None:
    inputs = text.ULMFiTInputs(TOKENS)
    words = [["Cab", "a!"], ["b", " "]]  # xxmaj xxunk, a !, b, nothing
    rows = tf.ragged.constant(words)
    assert inputs(rows)["token_ids"].numpy().tolist() == [
        [BOS, MAJ, UNK, A, MARK],
        [BOS, B, UNK, PAD, PAD],
    ]
    assert inputs.word_lengths(rows).to_list() == [[2, 2], [1, 1]]
    # At the last token, which has seen the word.
    index = inputs.word_index(rows).numpy().tolist()
    assert index == [[-1, -1, 0, -1, 1], [-1, 0, 1, -1, -1]]
    labels = inputs.align_labels(rows, [[7, 8], [5, 6]]).numpy().tolist()
    assert labels == [[-1, -1, 7, -1, 8], [-1, 5, 6, -1, -1]]
    back = inputs.with_settings(backward=True)
    assert back(rows)["token_ids"].numpy().tolist() == [
        [BOS, MARK, A, UNK, MAJ],
        [BOS, UNK, B, PAD, PAD],
    ]
    # Read from its end, a word is complete at its first token.
    assert back.align_labels(rows, [[7, 8], [5, 6]]).numpy().tolist() == [
        [-1, -1, 8, -1, 7],
        [-1, 6, 5, -1, -1],
    ]


def test_backward() -> None:
    inputs = text.ULMFiTInputs(TOKENS, max_length=4, backward=True)
    ids = inputs(["a b c a", "b c", ""])["token_ids"].numpy().tolist()
    assert ids == [[BOS, A, C, B], [BOS, C, B, PAD], [BOS, PAD, PAD, PAD]]
    assert inputs.encode(["a b c a"]).to_list() == [[A, C, B, A]]


def test_saved_and_loaded(tmp_path) -> None:
    inputs = text.ULMFiTInputs([*TOKENS, "xxfake", "xxfake"], "character", 9)
    text.save_inputs(inputs, tmp_path / "text_inputs.json")
    again = text.load_inputs(tmp_path / "text_inputs.json")
    assert again.get_config() == inputs.get_config()
    for key, x in inputs(["Cab!!!"]).items():
        np.testing.assert_array_equal(again(["Cab!!!"])[key], x)


def test_in_a_saved_graph(tmp_path) -> None:
    module: Any = tf.Module()
    inputs = text.ULMFiTInputs(TOKENS)
    module.tables = inputs.tables
    module.call = tf.function(
        inputs.__call__, input_signature=[tf.TensorSpec([None], tf.string)]
    )
    tf.saved_model.save(module, tmp_path / "saved")
    loaded = tf.saved_model.load(tmp_path / "saved")
    texts = tf.constant(["A b!!! &lt;", "c c c"])
    for key, x in inputs(texts).items():
        np.testing.assert_array_equal(loaded.call(texts)[key], x)


def test_vocabulary() -> None:
    texts = ["The cat, the dog.", "THE cat the dog the a"]
    found = text.ulmfit_vocabulary(texts, min_count=2)
    # "the" 5 times; xxmaj and xxup are special; "," and "." are rare.
    assert found == [*SPECIAL, "the", "cat", "dog"]
    assert text.ulmfit_vocabulary(texts, 10, 1) == [*SPECIAL, "the"]
    found = text.ulmfit_vocabulary(["好 坏 好"], None, 1, "character")
    assert found[9:] == ["好", "坏"]
    with pytest.raises(ValueError, match="`split` must be"):
        text.ulmfit_vocabulary(texts, split="whitespace")
    with pytest.raises(ValueError, match="`vocabulary_size` must be"):
        text.ulmfit_vocabulary(texts, 9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vocabulary": TOKENS[1:]}, r"without \['xxunk'\]"),
        ({"vocabulary": [*TOKENS, "a"]}, r"more than once \['a'\]"),
        ({"split": "whitespace"}, "`split` must be one of"),
        ({"max_length": 3}, "`max_length` must be None or"),
        ({"backward": 1}, "`backward` must be a boolean"),
    ],
)
def test_refusals(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        text.ULMFiTInputs(**{"vocabulary": TOKENS, **arguments})
