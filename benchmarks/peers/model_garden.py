"""BERT of TensorFlow Model Garden, on Keras 2, so in an environment alone."""

# The type checker lacks Model Garden, which is not installed.
# pyright: reportMissingImports=false

import json
import re
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras  # noqa: TID251, Model Garden's own Keras
from official.nlp.modeling import networks

from .step import Step, Task, real_tokens

PACKAGES = ("tf-models-official", "tensorflow")
# Their names and ours of Hugging Face's file.
OUTSIDE = {
    "word_embeddings": "embeddings.word_embeddings",
    "type_embeddings": "embeddings.token_type_embeddings",
    "position_embedding": "embeddings.position_embeddings",
    "embeddings/layer_norm": "embeddings.LayerNorm",
    "pooler_transform": "pooler.dense",
}
INSIDE = {
    "self_attention/query": "attention.self.query",
    "self_attention/key": "attention.self.key",
    "self_attention/value": "attention.self.value",
    "self_attention/attention_output": "attention.output.dense",
    "self_attention_layer_norm": "attention.output.LayerNorm",
    "intermediate": "intermediate.dense",
    "output_layer_norm": "output.LayerNorm",
    "output": "output.dense",
}
KINDS = {"kernel": "weight", "embeddings": "weight", "gamma": "weight"}


def tensors(path: Path) -> dict[str, np.ndarray]:
    """Reads a file of safetensors with numbers of float32."""
    with path.open("rb") as file:
        head = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    head.pop("__metadata__", None)
    found = {}
    for name, entry in head.items():
        start, end = entry["data_offsets"]
        numbers = np.frombuffer(data[start:end], "float32")
        found[name.removeprefix("bert.")] = numbers.reshape(entry["shape"])
    return found


def file_name(variable: str) -> str:
    """Returns the name in Hugging Face's file for one in Model Garden."""
    parent, _, kind = variable.partition(":")[0].rpartition("/")
    kind = {"beta": "bias"}.get(kind, KINDS.get(kind, kind))
    inside = re.search(r"transformer/layer_(\d+)/(.*)", parent)
    if inside:
        return f"encoder.layer.{inside[1]}.{INSIDE[inside[2]]}.{kind}"
    [found] = [y for x, y in OUTSIDE.items() if parent.endswith(x)]
    return f"{found}.{kind}"


def load(task: Task) -> tf_keras.Model:
    tf.config.threading.set_intra_op_parallelism_threads(task["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(task["threads"])
    tf_keras.mixed_precision.set_global_policy(task["policy"])
    folder = Path(task["folder"])
    config = json.loads((folder / "config.json").read_text("utf-8"))
    encoder = networks.BertEncoderV2(
        vocab_size=config["vocab_size"],
        hidden_size=config["hidden_size"],
        num_layers=config["num_hidden_layers"],
        num_attention_heads=config["num_attention_heads"],
        max_sequence_length=config["max_position_embeddings"],
        type_vocab_size=config["type_vocab_size"],
        inner_dim=config["intermediate_size"],
        inner_activation=lambda x: tf_keras.activations.gelu(x, False),
    )
    encoder(encoder.inputs)
    read = tensors(folder / "model.safetensors")
    for variable in encoder.weights:
        array = read[file_name(variable.name)]
        if "kernel" in variable.name:
            array = array.T
        variable.assign(array.reshape(variable.shape))
    return encoder


def inference(task: Task) -> Step:
    model = load(task)

    @tf.function
    def call(inputs):
        return model(inputs, training=False)["sequence_output"]

    def feed(inputs):
        ids = np.array(inputs["token_ids"], "int32")
        mask = real_tokens(inputs["lengths"], ids.shape[1])
        return {
            "input_word_ids": tf.constant(ids),
            "input_type_ids": tf.zeros_like(ids),
            "input_mask": tf.constant(mask.astype("int32")),
        }

    return Step(feed, call, lambda found: tf.cast(found, tf.float32).numpy())


STEPS = {"inference": inference}
