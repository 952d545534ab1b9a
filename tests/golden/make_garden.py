"""Creates the golden files of TensorFlow Model Garden in this folder.

They are created only once: every later change must reproduce these numbers. The
script needs the extra `garden` (which contains Keras 2), in its own
environment:

    pip install -e ".[garden]" && python tests/golden/make_garden.py

Writes
    garden_block.npz     blocks, with weights of ours and with their own
    garden_encoder.npz   an encoder of theirs with weights of ours
    garden_numbered/     a checkpoint of BertEncoder, a Keras 2 model of
                         numbered layers, with a configuration as Google's
    garden_named/        one of BertPretrainerV2 around BertEncoderV2, with
                         the encoder's own configuration
Each has its inputs and what Model Garden answers.
"""

# The type checker lacks Model Garden, which is not installed, and some stubs of
# TensorFlow.
# pyright: reportMissingImports=false, reportArgumentType=false
# pyright: reportCallIssue=false

import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tf_keras  # noqa: TID251, Model Garden's own Keras
from official.modeling import activations
from official.nlp.modeling import layers, models, networks

import keras_ctx

HERE = Path(__file__).parent
SIZES = {"V": 19, "L": 2, "H": 2, "D": 8, "F": 12, "T": 10, "S": 3}
ENCODER = {
    "vocab_size": SIZES["V"],
    "hidden_size": SIZES["D"],
    "num_layers": SIZES["L"],
    "num_attention_heads": SIZES["H"],
    "max_sequence_length": SIZES["T"],
    "type_vocab_size": SIZES["S"],
    "inner_dim": SIZES["F"],
}
LENGTHS = np.array([7, 3, 1])
MASK = np.arange(7)[None] < LENGTHS[:, None]
BLOCKS = {
    "gelu": (tf_keras.activations.gelu, False),
    "gelu_tanh": (activations.gelu, False),
    "relu": (tf_keras.activations.relu, False),
    "gelu_norm_first": (tf_keras.activations.gelu, True),
}
# Our weights of a block and Model Garden's, by the ends of their names.
BLOCK_NAMES = {
    "attention/query": "self_attention/query",
    "attention/key": "self_attention/key",
    "attention/value": "self_attention/value",
    "attention/attention_output": "self_attention/attention_output",
    "attention_norm": "self_attention_layer_norm",
    "intermediate": "intermediate",
    "output_projection": "output",
    "feedforward_norm": "output_layer_norm",
}
ENCODER_NAMES = {
    "embeddings/token_embedding": "word_embeddings",
    "embeddings/segment_embedding": "type_embeddings",
    "embeddings/position_embedding": "position_embedding",
    "embeddings/norm": "embeddings/layer_norm",
    "pooler": "pooler_transform",
    **{
        f"block_{i}/{ours}": f"transformer/layer_{i}/{theirs}"
        for i in range(SIZES["L"])
        for ours, theirs in BLOCK_NAMES.items()
    },
}


def randomize(weights, generator: np.random.Generator) -> None:
    """Sets random weights unlike initial ones, also of norms and biases."""
    for weight in weights:
        numbers = 0.5 * generator.normal(size=tuple(weight.shape))
        weight.assign((numbers + ("gamma" in weight.name)).astype("float32"))


def put(ours: dict[str, np.ndarray], weights, names: dict[str, str]) -> None:
    """Copies our weights to Model Garden's, each exactly once."""
    theirs = {weight.name.partition(":")[0]: weight for weight in weights}
    for name, array in ours.items():
        parent, _, kind = name.rpartition("/")
        found = [
            key
            for key in theirs
            if f"/{key}".endswith(f"/{names[parent]}/{kind}")
        ]
        assert len(found) == 1, (name, found, list(theirs))
        theirs.pop(found[0]).assign(array)
    assert not theirs, list(theirs)


def arrays_of(weights) -> dict[str, np.ndarray]:
    """Returns our weights by their paths."""
    return {
        weight.path: keras.ops.convert_to_numpy(weight) for weight in weights
    }


def make_blocks(generator: np.random.Generator) -> dict[str, np.ndarray]:
    x = generator.normal(size=(3, 7, SIZES["D"])).astype("float32")
    attends = MASK[:, None, :].repeat(7, axis=1)
    made = {"inputs": x, "padding_mask": MASK}
    for name, (activation, norm_first) in BLOCKS.items():
        theirs = layers.TransformerEncoderBlock(
            SIZES["H"], SIZES["F"], activation, norm_first=norm_first
        )
        theirs([x, attends])
        ours = keras_ctx.layers.TransformerEncoderBlock(
            SIZES["H"],
            SIZES["F"],
            name.removesuffix("_norm_first"),
            norm_first=norm_first,
            name="block",
        )
        ours(x, MASK)
        randomize(ours.weights, generator)
        weights = {
            path.removeprefix("block/"): array
            for path, array in arrays_of(ours.weights).items()
        }
        put(weights, theirs.weights, BLOCK_NAMES)
        made[f"{name}/ours/outputs"] = theirs([x, attends]).numpy()
        for path, array in weights.items():
            made[f"{name}/ours/weights/{path}"] = array
        randomize(theirs.weights, generator)
        made[f"{name}/theirs/outputs"] = theirs([x, attends]).numpy()
        for weight in theirs.weights:
            path = weight.name.partition(":")[0]
            made[f"{name}/theirs/weights/{path}"] = weight.numpy()
    return made


def inputs_of(generator: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        "token_ids": generator.integers(0, SIZES["V"], MASK.shape, "int32"),
        "segment_ids": generator.integers(0, SIZES["S"], MASK.shape, "int32"),
        "padding_mask": MASK,
    }


def as_theirs(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        "input_word_ids": inputs["token_ids"],
        "input_type_ids": inputs["segment_ids"],
        "input_mask": inputs["padding_mask"].astype("int32"),
    }


def outputs_of(encoder, inputs: dict[str, np.ndarray]) -> dict:
    outputs = encoder(as_theirs(inputs))
    return {
        "layers": np.stack([x.numpy() for x in outputs["encoder_outputs"]]),
        "pooled": outputs["pooled_output"].numpy(),
    }


def make_encoder(generator: np.random.Generator) -> dict[str, np.ndarray]:
    inputs = inputs_of(generator)
    theirs = networks.BertEncoderV2(**ENCODER)
    theirs(as_theirs(inputs))
    ours = keras_ctx.models.bert_encoder(
        *(SIZES[letter] for letter in "VLHDFTS"), "gelu_tanh"
    )
    randomize(ours.weights, generator)
    weights = arrays_of(ours.weights)
    put(weights, theirs.weights, ENCODER_NAMES)
    made = {**inputs, **outputs_of(theirs, inputs)}
    made.update({f"weights/{path}": a for path, a in weights.items()})
    return made


def make_numbered(generator: np.random.Generator, folder: Path) -> None:
    inputs = inputs_of(generator)
    encoder = networks.BertEncoder(**ENCODER, dict_outputs=True)
    randomize(encoder.weights, generator)
    tf.train.Checkpoint(model=encoder).write(str(folder / "bert_model.ckpt-1"))
    config = {
        "vocab_size": SIZES["V"],
        "hidden_size": SIZES["D"],
        "num_hidden_layers": SIZES["L"],
        "num_attention_heads": SIZES["H"],
        "intermediate_size": SIZES["F"],
        "max_position_embeddings": SIZES["T"],
        "type_vocab_size": SIZES["S"],
        "hidden_act": "gelu",
    }
    (folder / "bert_config.json").write_text(json.dumps(config, indent=1))
    np.savez_compressed(
        folder / "expected.npz", **inputs, **outputs_of(encoder, inputs)
    )


def make_named(generator: np.random.Generator, folder: Path) -> None:
    inputs = inputs_of(generator)
    encoder = networks.BertEncoderV2(**ENCODER)
    head = layers.ClassificationHead(SIZES["D"], 2, name="next_sentence")
    model = models.BertPretrainerV2(
        encoder, activations.gelu, classification_heads=[head]
    )
    positions = np.array([[6, 0, 2], [1, 2, 0], [0, 0, 0]], "int32")
    theirs = {**as_theirs(inputs), "masked_lm_positions": positions}
    model(theirs)
    randomize(model.weights, generator)
    outputs = model(theirs)
    checkpoint = tf.train.Checkpoint(
        model=model,
        optimizer=tf_keras.optimizers.legacy.Adam(),
        global_step=tf.Variable(7, dtype=tf.int64),
        **model.checkpoint_items,
    )
    checkpoint.write(str(folder / "ckpt-7"))
    config = json.dumps(encoder.get_config(), indent=1)
    (folder / "bert_config.json").write_text(config)
    np.savez_compressed(
        folder / "expected.npz",
        **inputs,
        layers=np.stack([x.numpy() for x in outputs["encoder_outputs"]]),
        masked_positions=positions,
        masked_lm=outputs["mlm_logits"].numpy(),
        # Class 0 is "follows".
        next_sentence=outputs["next_sentence"].numpy(),
        # The trained pooler, that of the head.
        pooled=head(outputs["sequence_output"], only_project=True).numpy(),
    )


def main() -> None:
    generator = np.random.default_rng(20_261_121)
    blocks = make_blocks(generator)
    np.savez_compressed(HERE / "garden_block.npz", **blocks)
    encoder = make_encoder(generator)
    np.savez_compressed(HERE / "garden_encoder.npz", **encoder)
    for name, make in (
        ("garden_numbered", make_numbered),
        ("garden_named", make_named),
    ):
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        make(generator, folder)


if __name__ == "__main__":
    main()
