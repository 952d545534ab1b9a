"""GPT and GPT-2 from files, beside NumPy, KerasHub and stored numbers."""

import json
from pathlib import Path
from typing import Any

import keras_hub
import numpy as np
import pytest
import tensorflow as tf
from gpt_files import HEADS, LAYERS, D, arrays, config, logits, write
from safetensors.numpy import load_file, save_file

from keras_ctx import models
from keras_ctx.convert import (
    load_byte_pairs,
    load_encoder,
    load_gpt,
    load_text_inputs,
    save_gpt,
)
from keras_ctx.text import GPT1Inputs, GPTInputs, byte_letters

SHARED = Path(__file__).resolve().parents[3] / "shared" / "fixtures"
IDS = [3, 18, 0, 7, 7, 11]


def of(encoder: Any, ids: list[int] = IDS) -> np.ndarray:
    row = np.array([ids])
    features = {"token_ids": row, "padding_mask": np.ones(row.shape, "bool")}
    model = models.causal_language_model(encoder)
    return np.asarray(model(features)["next_token"])[0]


def assert_close(found, expected) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("prefix", ["", "transformer."])
@pytest.mark.parametrize("gpt1", [False, True])
def test_logits_equal_numpy(tmp_path, gpt1: bool, prefix: str) -> None:
    found = arrays(gpt1)
    folder = write(tmp_path / "gpt", found, config(gpt1), prefix)
    assert_close(of(load_gpt(folder)), logits(found, IDS, gpt1))
    assert_close(of(load_encoder(folder)), logits(found, IDS, gpt1))


def test_release_of_openai(tmp_path) -> None:
    """A TensorFlow 1 checkpoint with the names of openai/gpt-2."""
    found = arrays(gpt1=False)
    variables = {}
    for name, x in found.items():
        theirs = name.replace("h.", "h", 1) if name[0] == "h" else name
        theirs = "model/" + theirs.replace(".", "/")
        if name in ("wte.weight", "wpe.weight"):
            theirs = theirs.removesuffix("/weight")
        elif "ln_" in name:
            theirs = theirs.replace("/weight", "/g").replace("/bias", "/b")
        else:
            theirs = theirs.replace("/weight", "/w").replace("/bias", "/b")
            x = x[None] if x.ndim == 2 else x
        variables[theirs] = x
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
        for name, x in variables.items():
            tf.compat.v1.get_variable(name, initializer=x)
        session.run(tf.compat.v1.global_variables_initializer())
        saver = tf.compat.v1.train.Saver()
        saver.save(
            session, str(tmp_path / "model.ckpt"), write_meta_graph=False
        )
    (tmp_path / "hparams.json").write_text(
        json.dumps(
            {"n_vocab": 19, "n_ctx": 12, "n_embd": D}
            | {"n_head": HEADS, "n_layer": LAYERS}
        )
    )
    assert_close(of(load_gpt(tmp_path)), logits(found, IDS, gpt1=False))


def test_logits_equal_keras_hub(tmp_path) -> None:
    found = arrays(gpt1=False)
    write(tmp_path / "gpt", found, config(False))
    other = keras_hub.models.GPT2Backbone(
        19, LAYERS, HEADS, D, 32, dropout=0.0, max_sequence_length=12
    )
    by_path = {x.path: x for x in other.weights}

    def assign(path: str, value: np.ndarray) -> None:
        variable = by_path[path]
        variable.assign(value.reshape(variable.shape))

    assign("token_embedding/embeddings", found["wte.weight"])
    assign("position_embedding/embeddings", found["wpe.weight"])
    for i in range(LAYERS):
        block, name = f"transformer_layer_{i}", f"h.{i}"
        for kind, ours in (("weight", "kernel"), ("bias", "bias")):
            parts = np.split(found[f"{name}.attn.c_attn.{kind}"], 3, axis=-1)
            for part, x in zip(("query", "key", "value"), parts, strict=True):
                assign(f"{block}/self_attention/{part}/{ours}", x)
            for layer, theirs in (
                ("self_attention/attention_output", "attn.c_proj"),
                ("feedforward_intermediate_dense", "mlp.c_fc"),
                ("feedforward_output_dense", "mlp.c_proj"),
            ):
                assign(
                    f"{block}/{layer}/{ours}", found[f"{name}.{theirs}.{kind}"]
                )
        for kind, ours in (("weight", "gamma"), ("bias", "beta")):
            for layer, theirs in (
                ("self_attention_layer_norm", "ln_1"),
                ("feedforward_layer_norm", "ln_2"),
            ):
                assign(
                    f"{block}/{layer}/{ours}", found[f"{name}.{theirs}.{kind}"]
                )
    for kind, ours in (("weight", "gamma"), ("bias", "beta")):
        assign(f"layer_norm/{ours}", found[f"ln_f.{kind}"])
    row = np.array([IDS])
    expected = other({"token_ids": row, "padding_mask": np.ones_like(row)})
    encoder = load_gpt(tmp_path / "gpt")
    features = {"token_ids": row, "padding_mask": np.ones(row.shape, "bool")}
    assert_close(encoder(features)["sequence"], expected)


def test_saved_files_have_the_same_arrays(tmp_path) -> None:
    for gpt1 in (False, True):
        found = arrays(gpt1)
        folder = write(tmp_path / "in", found, config(gpt1))
        save_gpt(load_gpt(folder), tmp_path / "out")
        saved = load_file(tmp_path / "out" / "model.safetensors")
        assert set(saved) == {f"transformer.{name}" for name in found}
        for name, x in found.items():
            np.testing.assert_array_equal(saved[f"transformer.{name}"], x)
        written = json.loads((tmp_path / "out" / "config.json").read_text())
        assert config(gpt1).items() <= written.items()


def test_masks_and_the_tied_output_are_not_read(tmp_path) -> None:
    found = arrays(gpt1=False)
    more = {
        "h.0.attn.bias": np.ones((1, 1, 12, 12), "float32"),
        "h.0.attn.masked_bias": np.array(-1e4, "float32"),
    }
    folder = write(tmp_path / "gpt", {**found, **more}, config(False))
    path = folder / "model.safetensors"
    named = {**load_file(path), "lm_head.weight": found["wte.weight"]}
    save_file(named, path, {"format": "pt"})
    assert_close(of(load_gpt(folder)), logits(found, IDS, gpt1=False))


def test_an_output_that_is_not_tied_is_refused(tmp_path) -> None:
    found = arrays(gpt1=False)
    folder = write(tmp_path / "gpt", found, config(False))
    path = folder / "model.safetensors"
    named = {**load_file(path), "lm_head.weight": found["wte.weight"] + 1}
    save_file(named, path, {"format": "pt"})
    with pytest.raises(ValueError, match="`lm_head.weight` must equal"):
        load_gpt(folder)


CONFIGS = [
    ({"scale_attn_by_inverse_layer_idx": True}, "`scale_attn_by_inverse_la"),
    ({"scale_attn_weights": False}, "`scale_attn_weights` must be true"),
    ({"add_cross_attention": True}, "`add_cross_attention` must be false"),
    ({"tie_word_embeddings": False}, "`tie_word_embeddings` must be true"),
    ({"activation_function": "mish"}, "`activation_function` must be one of"),
    ({"n_head": 3}, "heads must divide the number of features"),
    ({"n_layer": 0}, "`n_layer` must be"),
    ({"n_embd": 16}, "other shape: transformer.wte.weight"),
    ({"n_layer": 3}, "missing: transformer.h.2.attn.c_attn.weight"),
    ({"n_layer": 1}, "not known: transformer.h.1.attn.c_attn.bias"),
    ({"model_type": "gptj"}, "`model_type` 'gpt2' or 'openai-gpt'"),
]


@pytest.mark.parametrize(("changes", "message"), CONFIGS)
def test_refused_configurations(tmp_path, changes, message) -> None:
    settings = config(False, **changes)
    folder = write(tmp_path / "gpt", arrays(gpt1=False), settings)
    with pytest.raises(ValueError, match=message):
        load_gpt(folder)


def test_refused_weights(tmp_path) -> None:
    found = arrays(gpt1=False)
    found["h.1.ln_2.bias"][3] = np.nan
    folder = write(tmp_path / "gpt", found, config(False))
    with pytest.raises(ValueError, match=r"h.1.ln_2.bias: 1 of 8 are NaN"):
        load_gpt(folder)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match="cut off or damaged"):
        load_gpt(folder)
    with pytest.raises(FileNotFoundError, match="`folder` must be a folder"):
        load_gpt(tmp_path / "none")


def test_refused_models(tmp_path) -> None:
    bert = models.bert_encoder(13, 1, 2, 8, 12)
    with pytest.raises(ValueError, match="must be a model of `gpt_encoder`"):
        save_gpt(bert, tmp_path)
    exact = models.gpt_encoder(
        *(9, 1, 2, 8, 16), activation="gelu", norm_first=False
    )
    with pytest.raises(ValueError, match="activation that `transformers` has"):
        save_gpt(exact, tmp_path)
    narrow = models.gpt_encoder(9, 1, 2, 8, 16, norm_first=False)
    with pytest.raises(
        ValueError, match="must have `intermediate_dim=4 \\* hid"
    ):
        save_gpt(narrow, tmp_path)


def text_inputs() -> GPTInputs:
    tokens = [*byte_letters(), "he", "Ġhe", "<|endoftext|>"]
    return GPTInputs(tokens, ["h e", "Ġ he"], 12)


def test_text_inputs_are_saved_beside_the_weights(tmp_path) -> None:
    encoder = models.gpt_encoder(300, 1, 2, 8, 16, max_length=12)
    save_gpt(encoder, tmp_path, text_inputs())
    loaded = load_text_inputs(tmp_path)
    assert loaded.get_config() == text_inputs().get_config()
    assert load_text_inputs(tmp_path, max_length=7).max_length == 7
    with pytest.raises(ValueError, match="`max_length` must be at most 12"):
        load_text_inputs(tmp_path, max_length=13)
    small = models.gpt_encoder(200, 1, 2, 8, 16, max_length=12)
    with pytest.raises(ValueError, match="not have more tokens than the model"):
        save_gpt(small, tmp_path, text_inputs())


def text_inputs_1() -> GPT1Inputs:
    tokens = ["<unk>", "h", "e</w>", "he</w>"]
    return GPT1Inputs(tokens, ["h e</w>"], 12)


def test_text_inputs_of_the_first_gpt(tmp_path) -> None:
    found = text_inputs_1()
    encoder = models.gpt_encoder(
        *(4, 1, 2, 8, 32), max_length=12, norm_first=False
    )
    save_gpt(encoder, tmp_path, found)
    loaded = load_text_inputs(tmp_path)
    assert loaded.get_config() == found.get_config()
    # The names of the release.
    (tmp_path / "vocab.json").rename(tmp_path / "encoder_bpe_40000.json")
    (tmp_path / "merges.txt").rename(tmp_path / "vocab_40000.bpe")
    loaded = load_text_inputs(tmp_path)
    assert loaded.get_config() == found.get_config()
    with pytest.raises(ValueError, match="must be GPT1Inputs for a post-norm"):
        save_gpt(encoder, tmp_path, text_inputs())
    encoder = models.gpt_encoder(*(300, 1, 2, 8, 16), max_length=12)
    with pytest.raises(ValueError, match="must be GPTInputs for a pre-norm"):
        save_gpt(encoder, tmp_path, found)


def tokenizer_1() -> dict:
    """Returns tokenizer.json of `OpenAIGPTTokenizer`."""
    import tokenizers

    found = text_inputs_1()
    ids = {token: i for i, token in enumerate(found.vocabulary)}
    merges = [tuple(x.split(" ")) for x in found.merges]
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.BPE(
            *(ids, merges), unk_token="<unk>", end_of_word_suffix="</w>"
        )
    )
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    return json.loads(tokenizer.to_str())


TOKENIZERS = [
    ("pre_tokenizer", {"type": "Whitespace"}, 'must be "BertPreTokenizer"'),
    ("normalizer", None, '`normalizer.type` must be "BertNormalizer"'),
    ("normalizer", {"lowercase": False}, "`normalizer.lowercase` must be true"),
    ("normalizer", {"strip_accents": True}, "`normalizer.strip_accents` must"),
    ("model", {"end_of_word_suffix": None}, '_suffix` must be "</w>"'),
    ("model", {"fuse_unk": True}, "`model.fuse_unk` must be false"),
]


@pytest.mark.parametrize(("part", "changes", "message"), TOKENIZERS)
def test_tokenizer_file_of_the_first_gpt(
    tmp_path, part, changes, message
) -> None:
    path, content = tmp_path / "tokenizer.json", tokenizer_1()
    path.write_text(json.dumps(content))
    found = text_inputs_1()
    expected = [*found.vocabulary], [*found.merges]
    assert load_byte_pairs(tmp_path, words=True) == expected
    with pytest.raises(ValueError, match='must be "ByteLevel"'):
        load_byte_pairs(tmp_path)
    content[part] = changes and {**content[part], **changes}
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        load_byte_pairs(tmp_path, words=True)


def test_vocabulary_of_the_tokenizers_library(tmp_path) -> None:
    import tokenizers

    found = text_inputs()
    ids = {token: i for i, token in enumerate(found.vocabulary)}
    merges = [tuple(x.split(" ")) for x in found.merges]
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.BPE({x: i for x, i in ids.items() if i < 258}, merges)
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(
        add_prefix_space=False
    )
    tokenizer.add_special_tokens(["<|endoftext|>"])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert load_byte_pairs(tmp_path) == (
        list(found.vocabulary),
        list(found.merges),
    )
    other = json.loads((tmp_path / "tokenizer.json").read_text())
    other["pre_tokenizer"] = {"type": "Whitespace"}
    (tmp_path / "tokenizer.json").write_text(json.dumps(other))
    with pytest.raises(ValueError, match='must be "ByteLevel"'):
        load_byte_pairs(tmp_path)


FILES = [
    ('{"a": 0}', "#version: 0.2\na b\n\nab\n", r"merges.txt:4: .* 'ab'"),
    ('{"a": 0, "b": 2}', "a b", "ids from 0 to 1, each once. .* 'b' with 2"),
    ('{"a": 0, "b": 0}', "a b", "each once"),
    ('{"a": "0"}', "a b", "each once"),
    ("[1]", "a b", "must hold one JSON object"),
]


@pytest.mark.parametrize(("vocabulary", "merges", "message"), FILES)
def test_refused_vocabularies(tmp_path, vocabulary, merges, message) -> None:
    (tmp_path / "vocab.json").write_text(vocabulary)
    (tmp_path / "merges.txt").write_text(merges)
    with pytest.raises(ValueError, match=message):
        load_byte_pairs(tmp_path)


@pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"the stored numbers are not at {SHARED}"
)
def test_stored_logits() -> None:
    folder = SHARED / "beam" / "gpt2"
    stored = np.load(folder / "forward.npz")
    encoder = load_gpt(folder)
    for ids, expected in zip(
        stored["input_ids"], stored["logits"], strict=True
    ):
        assert_close(of(encoder, ids.tolist()), expected)
    folder = SHARED / "gpt2_toy_tf1"
    stored = np.load(folder / "expected.npz")
    encoder = load_gpt(folder)
    for i in range(3):
        ids = stored[f"ids_{i}"].tolist()
        assert_close(of(encoder, ids), stored[f"logits_{i}"])
