"""Our BERT compared with a NumPy version of the paper, and KerasHub's."""

import bert_numpy
import keras
import keras_hub
import numpy as np
import pytest

from keras_ctx import models

V, L, H, D, F, T, S = 31, 3, 2, 8, 20, 9, 2
LENGTHS = [9, 4, 1, 6]


def batch() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(11)
    shape = (len(LENGTHS), T)
    return {
        "token_ids": generator.integers(0, V, shape).astype("int32"),
        "segment_ids": generator.integers(0, S, shape).astype("int32"),
        "padding_mask": np.arange(T)[None] < np.array(LENGTHS)[:, None],
    }


def random_names_and_weights() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(12)
    shapes = {
        "embeddings/word_embeddings": (V, D),
        "embeddings/token_type_embeddings": (S, D),
        "embeddings/position_embeddings": (T + 3, D),
        "embeddings/LayerNorm": D,
        "pooler/dense": (D, D),
        "final_norm": D,
        "cls/predictions/transform/dense": (D, D),
        "cls/predictions/transform/LayerNorm": D,
        "cls/predictions/output_bias": (V,),
        "cls/seq_relationship": (D, 2),
    }
    for i in range(L):
        name = f"encoder/layer_{i}"
        for part in ("self/query", "self/key", "self/value", "output/dense"):
            shapes[f"{name}/attention/{part}"] = (D, D)
        shapes[f"{name}/attention/output/LayerNorm"] = D
        shapes[f"{name}/intermediate/dense"] = (D, F)
        shapes[f"{name}/output/dense"] = (F, D)
        shapes[f"{name}/output/LayerNorm"] = D
    weights = {}
    for name, shape in shapes.items():
        if isinstance(shape, int):
            weights[f"{name}/gamma"] = 1 + 0.3 * generator.normal(size=shape)
            weights[f"{name}/beta"] = 0.3 * generator.normal(size=shape)
        elif "embeddings" in name or "bias" in name:
            weights[name] = generator.normal(size=shape)
        else:
            weights[f"{name}/kernel"] = generator.normal(size=shape) * 0.6
            weights[f"{name}/bias"] = 0.3 * generator.normal(size=shape[1])
    return weights


def copy_encoder(w: dict[str, np.ndarray], encoder: keras.Model) -> None:
    embeddings = encoder.get_layer("embeddings")
    for layer, table in (
        (embeddings.token_embedding, "word_embeddings"),
        (embeddings.segment_embedding, "token_type_embeddings"),
        (embeddings.position_embedding, "position_embeddings"),
    ):
        layer.set_weights([w[f"embeddings/{table}"]])
    copy_norm(w, "embeddings/LayerNorm", embeddings.norm)
    copy_dense(w, "pooler/dense", encoder.get_layer("pooler"))
    for i in range(L):
        block, name = encoder.get_layer(f"block_{i}"), f"encoder/layer_{i}"
        parts = {weight.path: weight for weight in block.attention.weights}
        for path, weight in parts.items():
            part, kind = path.split("/")[-2:]
            ours = {"attention_output": "output/dense"}.get(
                part, f"self/{part}"
            )
            value = w[f"{name}/attention/{ours}/{kind}"]
            weight.assign(value.reshape(weight.shape))
        copy_norm(w, f"{name}/attention/output/LayerNorm", block.attention_norm)
        copy_norm(w, f"{name}/output/LayerNorm", block.feedforward_norm)
        copy_dense(w, f"{name}/intermediate/dense", block.intermediate)
        copy_dense(w, f"{name}/output/dense", block.output_projection)
    if any(layer.name == "final_norm" for layer in encoder.layers):
        copy_norm(w, "final_norm", encoder.get_layer("final_norm"))


def copy_norm(w: dict, name: str, layer: keras.layers.Layer) -> None:
    layer.set_weights([w[f"{name}/gamma"], w[f"{name}/beta"]])


def copy_dense(w: dict, name: str, layer: keras.layers.Layer) -> None:
    layer.set_weights([w[f"{name}/kernel"], w[f"{name}/bias"]])


def encoder_of(w: dict, activation: str, norm_first: bool) -> keras.Model:
    encoder = models.bert_encoder(
        V, L, H, D, F, T + 3, S, activation, norm_first=norm_first
    )
    copy_encoder(w, encoder)
    return encoder


def assert_close(ours, expected: np.ndarray) -> None:
    ours = keras.ops.convert_to_numpy(ours)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5)


@pytest.mark.quick("gelu-True", "relu-False", "gelu_tanh-True")
@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ["gelu", "gelu_tanh", "relu"])
def test_encoder_and_pretrainer_agree_with_numpy(
    activation: str, norm_first: bool
) -> None:
    w = random_names_and_weights()
    encoder = encoder_of(w, activation, norm_first)
    pretrainer = models.bert_pretrainer(encoder)
    copy_dense(
        w,
        "cls/predictions/transform/dense",
        pretrainer.get_layer("masked_lm_dense"),
    )
    copy_norm(
        w,
        "cls/predictions/transform/LayerNorm",
        pretrainer.get_layer("masked_lm_norm"),
    )
    pretrainer.get_layer("masked_lm_bias").set_weights(
        [w["cls/predictions/output_bias"]]
    )
    copy_dense(w, "cls/seq_relationship", pretrainer.get_layer("next_sentence"))
    inputs = batch()
    positions = np.array([[8, 0, 3], [2, 2, 0], [0, 0, 0], [5, 1, 0]], "int32")
    outputs = encoder(inputs)
    logits = pretrainer({**inputs, "masked_positions": positions})
    assert len(outputs["layers"]) == L + 1
    for k, length in enumerate(LENGTHS):
        layers, pooled = bert_numpy.encoder(
            w,
            inputs["token_ids"][k, :length],
            inputs["segment_ids"][k, :length],
            L,
            H,
            activation,
            norm_first,
        )
        for ours, expected in zip(outputs["layers"], layers, strict=True):
            assert_close(ours[k, :length], expected)
        assert_close(outputs["sequence"][k, :length], layers[-1])
        assert_close(outputs["pooled"][k], pooled)
        masked, next_sentence = bert_numpy.heads(
            w, layers[-1], pooled, positions[k], activation
        )
        assert_close(logits["masked_lm"][k], masked)
        assert_close(logits["next_sentence"][k], next_sentence)


def test_encoder_agrees_with_keras_hub() -> None:
    w = random_names_and_weights()
    encoder = encoder_of(w, "gelu_tanh", norm_first=False)
    peer = keras_hub.models.BertBackbone(
        vocabulary_size=V,
        num_layers=L,
        num_heads=H,
        hidden_dim=D,
        intermediate_dim=F,
        max_sequence_length=T + 3,
        num_segments=S,
    )
    copied = set()
    for weight in peer.weights:
        value = w[keras_hub_name(weight.path)]
        weight.assign(value.reshape(weight.shape))
        copied.add(weight.path)
    assert len(copied) == len(peer.weights) == len(encoder.weights)
    inputs = batch()
    found = peer({**inputs, "padding_mask": inputs["padding_mask"] * 1})
    outputs = encoder(inputs)
    for k, length in enumerate(LENGTHS):
        assert_close(
            outputs["sequence"][k, :length],
            np.asarray(found["sequence_output"])[k, :length],
        )
    assert_close(outputs["pooled"], np.asarray(found["pooled_output"]))


def keras_hub_name(path: str) -> str:
    """Returns the google-research/bert name of a KerasHub weight."""
    *_, part, kind = path.split("/")
    tables = {
        "token_embedding": "word_embeddings",
        "segment_embedding": "token_type_embeddings",
        "position_embedding": "position_embeddings",
    }
    for layer, table in tables.items():
        if layer in path:
            return f"embeddings/{table}"
    if part == "embeddings_layer_norm":
        return f"embeddings/LayerNorm/{kind}"
    if part == "pooled_dense":
        return f"pooler/dense/{kind}"
    number = path.split("transformer_layer_")[1].split("/")[0]
    ours = {
        "query": "attention/self/query",
        "key": "attention/self/key",
        "value": "attention/self/value",
        "attention_output": "attention/output/dense",
        "self_attention_layer_norm": "attention/output/LayerNorm",
        "feedforward_intermediate_dense": "intermediate/dense",
        "feedforward_output_dense": "output/dense",
        "feedforward_layer_norm": "output/LayerNorm",
    }[part]
    return f"encoder/layer_{number}/{ours}/{kind}"
