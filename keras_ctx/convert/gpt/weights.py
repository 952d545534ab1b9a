"""The arrays of GPT and GPT-2, by their names in each format."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_ctx.convert.files.weight_table import SAME, Layout, Weight

# Query, key and value are columns of one matrix, three matrices of ours.
SIDE_BY_SIDE = Layout(
    lambda array: np.stack(np.split(array, 3, axis=-1)),
    lambda numbers, shape: np.concatenate(
        numbers.reshape(3, *shape[:-1], shape[-1] // 3), axis=-1
    ),
)
_HUGGINGFACE_KINDS = {"w": "weight", "b": "bias", "g": "weight"}


def gpt_weights(
    sizes: dict[str, Any], names: Callable[[str], tuple[str, ...]], axis: int
) -> list[Weight]:
    """Builds the weight table.

    Args:
        sizes: Arguments of `models.gpt_encoder`.
        names: From a name of openai/gpt-2, such as `h0/attn/c_attn/w`, to
            those of the file.
        axis: Number of axes of length 1 before a matrix of a block.
    """
    features, inner = sizes["hidden_dim"], sizes["intermediate_dim"]
    rows = [
        Weight(
            names("wte"),
            (sizes["vocabulary_size"], features),
            ("embeddings.token_embedding.embeddings",),
        ),
        Weight(
            names("wpe"),
            (sizes["max_length"], features),
            ("embeddings.position_embedding.embeddings",),
        ),
    ]

    def dense(name: str, shape: tuple[int, int], *layers: str) -> None:
        layout = SIDE_BY_SIDE if len(layers) > 1 else SAME
        rows.append(
            Weight(
                names(f"{name}/w"),
                (*(1,) * axis, *shape),
                tuple(f"{layer}.kernel" for layer in layers),
                layout,
            )
        )
        rows.append(
            Weight(
                names(f"{name}/b"),
                shape[1:],
                tuple(f"{layer}.bias" for layer in layers),
            )
        )

    def norm(name: str, layer: str) -> None:
        for kind, ours in (("g", "gamma"), ("b", "beta")):
            rows.append(
                Weight(
                    names(f"{name}/{kind}"), (features,), (f"{layer}.{ours}",)
                )
            )

    for i in range(sizes["num_layers"]):
        block = f"decoder_block_{i}"
        dense(
            f"h{i}/attn/c_attn",
            (features, 3 * features),
            *(
                f"{block}.attention.{part}_dense"
                for part in ("query", "key", "value")
            ),
        )
        dense(
            f"h{i}/attn/c_proj",
            (features, features),
            f"{block}.attention.output_dense",
        )
        norm(f"h{i}/ln_1", f"{block}.attention_norm")
        dense(f"h{i}/mlp/c_fc", (features, inner), f"{block}.intermediate")
        dense(
            f"h{i}/mlp/c_proj", (inner, features), f"{block}.output_projection"
        )
        norm(f"h{i}/ln_2", f"{block}.feedforward_norm")
    if sizes["norm_first"]:
        norm("ln_f", "final_norm")
    return rows


def tensorflow_names(name: str) -> tuple[str, ...]:
    """Returns the name in a checkpoint of openai/gpt-2."""
    return (f"model/{name}",)


def huggingface_names(gpt1: bool, first: str = "") -> Callable:
    """Returns the names in a file of `transformers`, with either prefix.

    Args:
        gpt1: Whether the model is GPT, whose tables have other names.
        first: The prefix of the file.
    """
    tables = {"wte": "tokens_embed", "wpe": "positions_embed"} if gpt1 else {}

    def names(name: str) -> tuple[str, ...]:
        if name in ("wte", "wpe"):
            dotted = f"{tables.get(name, name)}.weight"
        else:
            parent, _, kind = name.rpartition("/")
            dotted = re.sub(r"^h(\d+)/", r"h.\1.", parent).replace("/", ".")
            dotted += f".{_HUGGINGFACE_KINDS[kind]}"
        return (f"{first}{dotted}",)

    return names
