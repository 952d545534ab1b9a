"""The first GPT's byte-pair encoding beside the `tokenizers` library."""

import functools
import json
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tokenizers
from test_byte_pairs import CORPUS, STRINGS, random_strings
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from keras_ctx.text import (
    GPT1Inputs,
    UnknownTexts,
    load_inputs,
    save_inputs,
)

SPECIAL = ["_start_", "_delimiter_", "_classify_"]
TOKENS = ["<unk>", "h", "e", "e</w>", "!</w>", "he</w>", *SPECIAL]
UNK, H, E, E_END, MARK, HE, START, BETWEEN, END = range(9)
MORE = ["北京大学 x北京y", "naïve ΣΑΣ İ ß", "a\0b\ufffd\u200bc", "a--b 1,234.5"]


@pytest.fixture(scope="module")
def oracle() -> tokenizers.Tokenizer:
    """A tokenizer that `tokenizers` learned, set as `OpenAIGPTTokenizer`."""
    end = "</w>"
    tokenizer = tokenizers.Tokenizer(
        models.BPE(unk_token="<unk>", end_of_word_suffix=end)
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.BPEDecoder(suffix=end)
    trainer = trainers.BpeTrainer(
        vocab_size=250,
        special_tokens=["<unk>"],
        end_of_word_suffix=end,
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


@pytest.fixture(scope="module")
def learned(oracle) -> GPT1Inputs:
    model = json.loads(oracle.to_str())["model"]
    vocabulary = sorted(model["vocab"], key=model["vocab"].__getitem__)
    return GPT1Inputs(vocabulary, [" ".join(x) for x in model["merges"]], 500)


def in_graph(inputs: GPT1Inputs):
    return tf.function(
        inputs.encode, input_signature=[tf.TensorSpec([None], tf.string)]
    )


def test_ids_and_texts_equal_the_library(oracle, learned) -> None:
    texts = [*STRINGS, *CORPUS, *MORE, *random_strings(1000)]
    found = in_graph(learned)(texts)
    expected = [oracle.encode(text).ids for text in texts]
    for text, ids, wanted in zip(texts, found.to_list(), expected, strict=True):
        assert ids == wanted, repr(text)
    back = [x.decode() for x in learned.decode(found).numpy()]
    assert back == [
        oracle.decode(ids, skip_special_tokens=False) for ids in expected
    ]


def test_a_text_alone_has_the_same_ids(oracle, learned) -> None:
    call = in_graph(learned)
    for text in [*STRINGS[:8], *MORE]:
        assert call([text]).to_list() == [oracle.encode(text).ids], repr(text)


@functools.cache
def inputs(max_length: int = 12, **options) -> GPT1Inputs:
    return GPT1Inputs(TOKENS, ["h e</w>"], max_length, **options)


def framed() -> GPT1Inputs:
    names = ("start_token", "delimiter_token", "end_token")
    return inputs(**dict(zip(names, SPECIAL, strict=True)))


def rows(features: dict) -> list[list[int]]:
    ids, mask = (np.asarray(features[x]) for x in ("token_ids", "padding_mask"))
    return [x[m].tolist() for x, m in zip(ids, mask, strict=True)]


def test_rows() -> None:
    text, pair = ["HE, he!", ""], ["eh", "he"]
    plain = [[HE, UNK, HE, MARK], []]
    assert rows(inputs()(text)) == plain
    assert rows(inputs()(text, pair)) == [[*plain[0], E, UNK], [HE]]
    assert rows(framed()(text)) == [[START, *x, END] for x in plain]
    assert rows(framed()(text, pair)) == [
        [START, *plain[0], BETWEEN, E, UNK, END],
        [START, BETWEEN, HE, END],
    ]
    assert rows(inputs(5)(["he! " * 9])) == [[HE, MARK, HE, MARK, HE]]
    assert inputs().end_id is None
    assert framed().end_id == END
    assert framed().special_ids == (START, BETWEEN, END)
    # No special token is made from text.
    assert not set(rows(inputs(30)(["_classify_"]))[0]) & {END}


def test_words() -> None:
    words = tf.ragged.constant([["he!", "", "He"]])
    assert rows(inputs()(words)) == [[HE, MARK, UNK, HE]]
    assert inputs().word_index(words).numpy().tolist() == [[-1, 0, 1, 2]]
    assert framed().tokens(["he"]).numpy().tolist() == [
        [b"_start_", b"he</w>", b"_classify_"]
    ]


def test_texts() -> None:
    ids = [[H, E, HE, MARK, UNK, HE, -1, 99]]
    assert inputs().decode(ids).numpy() == [b"hehe ! <unk>he"]
    features = inputs()(["he he", "he!"])
    found = inputs().decode(features["token_ids"], features["padding_mask"])
    assert found.numpy().tolist() == [b"he he", b"he !"]


def test_unknown_texts() -> None:
    found = UnknownTexts(framed())
    found.add(["he", "xyz", "xyz he"])
    assert (found.num_texts, found.num_unknown, found.example) == (3, 2, "xyz")


def test_saved_in_a_file_and_in_a_graph(tmp_path) -> None:
    save_inputs(framed(), tmp_path / "inputs.json")
    loaded: Any = load_inputs(tmp_path / "inputs.json")
    assert loaded.get_config() == framed().get_config()
    module: Any = tf.Module()
    module.call = tf.function(
        loaded, input_signature=[tf.TensorSpec([None], tf.string)]
    )
    module.back = tf.function(
        loaded.decode, input_signature=[tf.TensorSpec([None, None], tf.int32)]
    )
    tf.saved_model.save(module, str(tmp_path / "saved"))
    served = tf.saved_model.load(str(tmp_path / "saved"))
    texts = ["He he!", ""]
    assert rows(served.call(tf.constant(texts))) == rows(framed()(texts))
    assert served.back(tf.constant([[HE, MARK]])).numpy() == [b"he !"]


ERRORS = [
    ({"max_length": 3}, "`max_length` must be an integer of at least 4"),
    ({"unknown_token": "?"}, "`unknown_token` must be a token .*'\\?'"),
    ({"end_token": "</s>"}, "`end_token` must be a token .*'</s>'"),
    ({"vocabulary": [*TOKENS, "h"]}, "each token once. .* twice: \\['h'\\]"),
    ({"merges": ["h"]}, "`merges` must hold pairs .* 'h' at index 0"),
    ({"merges": ["h e"]}, "different models. .* without \\['he'\\]"),
]


@pytest.mark.parametrize(("options", "message"), ERRORS)
def test_refusals(options: dict, message: str) -> None:
    arguments = {
        "vocabulary": TOKENS,
        "merges": ["h e</w>"],
        "max_length": 8,
        **options,
    }
    with pytest.raises(ValueError, match=message):
        GPT1Inputs(**arguments)
