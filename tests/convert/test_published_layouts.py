"""Small versions of published checkpoints: ids equal those of the `tokenizers`
library, vectors those of NumPy."""

import json
import warnings
from pathlib import Path
from typing import Any

import keras_hub
import numpy as np
import pytest
import tensorflow as tf
from bert_files import H, L, as_torch, config, write_huggingface, write_json
from parity import bert_numpy
from published_layouts import LAYOUTS, Layout, modern
from tokenizers import AddedToken, BertWordPieceTokenizer

from keras_ctx import convert, text

BY_NAME = {layout.name: layout for layout in LAYOUTS}


def reference(layout: Layout) -> BertWordPieceTokenizer:
    # Like `transformers`: a token that occurs twice gets its last id.
    ids = {token: place for place, token in enumerate(layout.tokens())}
    tokenizer = BertWordPieceTokenizer(
        ids, lowercase=layout.lower_case, strip_accents=layout.strip_accents
    )
    tokenizer.add_special_tokens(
        [AddedToken(token, normalized=False) for token in layout.whole]
    )
    return tokenizer


def load_inputs(folder: Path, warns: str | None = None) -> Any:
    if warns is not None:
        with pytest.warns(UserWarning, match=warns):
            return convert.load_text_inputs(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return convert.load_text_inputs(folder)


def ids_of(inputs: Any, texts: Any) -> list[list[int]]:
    # The small encoder has too few positions for the texts.
    long = json.loads(json.dumps({**inputs.get_config(), "max_length": 300}))
    found = text.BertInputs.from_config(long)(tf.constant(texts))
    return tf.ragged.boolean_mask(
        found["token_ids"], found["padding_mask"]
    ).to_list()


def check_vectors(encoder: Any, layout: Layout) -> None:
    named: dict[str, Any] = {
        "pooler/dense/kernel": np.eye(8),
        "pooler/dense/bias": np.zeros(8),
        **layout.arrays(),
    }
    ids = np.array([2, 7, layout.rows - 1, 9, 3])
    segments = np.array([0, 0, 0, 1, 1]) % layout.segments
    layers, pooled = bert_numpy.encoder(
        named,
        ids,
        segments,
        L,
        H,
        "gelu_tanh" if layout.checkpoint else "gelu",
        norm_first=False,
        epsilon=1e-12,
    )
    found = encoder(
        {
            "token_ids": ids[None].astype("int32"),
            "segment_ids": segments[None].astype("int32"),
            "padding_mask": np.ones((1, len(ids)), bool),
        }
    )
    np.testing.assert_allclose(found["sequence"][0], layers[-1], atol=1e-5)
    if layout.pooler:
        np.testing.assert_allclose(found["pooled"][0], pooled, atol=1e-5)


@pytest.mark.quick(
    "muril*",
    "bert-base-chinese",
    "finbert",
    "*MiniLM*",
    "bert-base-cased",
    "bert-large-in-shards",
    "biobert*",
    "BiomedNLP*",
)
@pytest.mark.filterwarnings("ignore:.* has no pooler")
@pytest.mark.parametrize("name", BY_NAME)
def test_layout(name: str, tmp_path: Path) -> None:
    layout = BY_NAME[name]
    folder = layout.write(tmp_path)
    tokenizer = reference(layout)
    if layout.tokenizer_json:
        tokenizer.save(str(folder / "tokenizer.json"))
    assert len(layout.tokens()) == 200
    inputs = load_inputs(folder, layout.warns)
    assert (inputs.vocabulary_size, inputs.max_length) == (200, 9)
    assert inputs.lower_case is layout.lower_case
    texts = list(layout.texts)
    wanted = [tokenizer.encode(each).ids for each in texts]
    assert ids_of(inputs, texts) == wanted
    # The texts are not only unknown words, which would always agree.
    known = [x for row in wanted for x in row if x != inputs.unknown_id]
    assert len(set(known)) > 9
    check_vectors(convert.load_encoder(folder), layout)
    if layout.heads:
        convert.load_pretrainer(folder)
    if "classifier.weight" in layout.extra:
        convert.load_task_model(folder)
    # The vocabulary alone, from the other file.
    if layout.tokenizer_json:
        (folder / "vocab.txt").unlink()
        assert ids_of(convert.load_text_inputs(folder), texts) == wanted


def test_bert_tiny_without_tokenizer_files(tmp_path: Path) -> None:
    layout = Layout("bert-tiny", without=("model_type", "architectures"))
    folder = layout.write(tmp_path)
    (folder / "vocab.txt").unlink()
    check_vectors(convert.load_encoder(folder), layout)
    with pytest.raises(FileNotFoundError, match=r"vocab\.txt.*has none"):
        convert.load_text_inputs(folder)


@pytest.mark.parametrize("line", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_lines_of_a_vocabulary(line: str, start: str, tmp_path: Path) -> None:
    """Every line has an id, also a blank or repeated one."""
    tokens = "[PAD] [unused1] [UNK] [CLS] [SEP] [MASK] a b  ab ##b a c".split(
        " "
    )
    assert tokens[8] == "" and tokens.count("a") == 2
    rows = len(tokens)
    layout = Layout("bert", rows=rows)
    folder = write_huggingface(
        tmp_path / "bert",
        as_torch(layout.arrays()),
        config(vocab_size=rows),
    )
    # Blank lines at the end are not tokens and have no row.
    content = start + line.join([*tokens, "", ""])
    (folder / "vocab.txt").write_bytes(content.encode())
    write_json(folder / "tokenizer_config.json", {"do_lower_case": True})
    ids = {token: place for place, token in enumerate(tokens)}
    tokenizer = BertWordPieceTokenizer(ids)
    inputs = load_inputs(folder)
    texts = ["a b ab abb c", "[unused1] aa d", "unused line 8"]
    wanted = [tokenizer.encode(each).ids for each in texts]
    assert wanted[0] == [3, 11, 7, 9, 9, 10, 12, 4]
    assert ids_of(inputs, texts) == wanted
    assert inputs.vocabulary_size == rows
    # Your own vocabulary is still checked.
    with pytest.raises(ValueError, match="Received: ''|every token once"):
        text.load_vocabulary(folder / "vocab.txt")


@pytest.mark.parametrize(
    "odd",
    [
        " ",
        " x",
        "x a",
        "\u3000",
        "\u00a0x",
        "##",
        "####",
        "#",
        "\u200d",
        "\x85",
    ],
)
def test_odd_tokens_of_a_vocabulary(odd: str, tmp_path: Path) -> None:
    tokens = [*text.SPECIAL_TOKENS, "a", odd, "##b", "c"]
    layout = Layout("bert", rows=len(tokens))
    folder = write_huggingface(
        tmp_path, as_torch(layout.arrays()), config(vocab_size=len(tokens))
    )
    lines = "".join(f"{token}\n" for token in tokens)
    (folder / "vocab.txt").write_text(lines, encoding="utf-8")
    write_json(folder / "tokenizer_config.json", modern())
    ids = {token: place for place, token in enumerate(tokens)}
    tokenizer = BertWordPieceTokenizer(ids)
    texts = ["ab c", "a## # ab #### c", "x \u3000 a\u00a0xb \u200da \x85"]
    wanted = [tokenizer.encode(each).ids for each in texts]
    assert ids_of(load_inputs(folder), texts) == wanted


def test_more_tokens_than_rows(tmp_path: Path) -> None:
    folder = Layout("bert", rows=150, tokenizer_config=modern()).write(tmp_path)
    with pytest.raises(ValueError, match=r"200 tokens.*vocabulary size of 150"):
        convert.load_text_inputs(folder)


def test_arabert_with_a_tokenizer_json(tmp_path: Path) -> None:
    # There the file decides: words not listed are split.
    layout = BY_NAME["bert-base-arabertv02"]
    folder = layout.write(tmp_path)
    tokenizer = reference(layout)
    tokenizer.save(str(folder / "tokenizer.json"))
    wanted = [tokenizer.encode(each).ids for each in layout.texts]
    assert ids_of(load_inputs(folder), layout.texts) == wanted


@pytest.mark.slow  # KerasHub builds two models
@pytest.mark.parametrize("lowercase", [True, False])
def test_preset_of_keras_hub(lowercase: bool, tmp_path: Path) -> None:
    layout = Layout("bert", letters="TBRCA")
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=200,
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=12,
        max_sequence_length=9,
    )
    folder = tmp_path / "preset"
    backbone.save_to_preset(str(folder))
    theirs = keras_hub.models.BertTokenizer(
        vocabulary=layout.tokens(), lowercase=lowercase
    )
    theirs.save_to_preset(str(folder))
    inputs = load_inputs(folder)
    assert inputs.lower_case is lowercase
    # Only ASCII: otherwise its normalization differs from BERT's.
    texts = ["The patient's BRCA1 gene, 2013?", "x"]
    wanted = [
        [inputs.cls_id, *row, inputs.sep_id]
        for row in [np.asarray(theirs(each)).tolist() for each in texts]
    ]
    assert ids_of(inputs, texts) == wanted
    convert.load_encoder(folder)
