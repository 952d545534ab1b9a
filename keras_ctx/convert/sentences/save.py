"""Saves an embedder on a BERT for sentence-transformers."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import keras

from keras_ctx import layers, models, text
from keras_ctx.convert.bert.save import write_bert
from keras_ctx.convert.files.weight_table import collect_all
from keras_ctx.convert.sentences.dense import ACTIVATIONS, WEIGHTS, DenseModule
from keras_ctx.convert.sentences.modules import MODULES
from keras_ctx.convert.sentences.settings import (
    FLAGS,
    POOLING,
    PROMPTS,
    TRANSFORMER,
)
from keras_ctx.files.tensor_file import write_tensors
from keras_ctx.files.whole_file import whole_file

_PREFIX = "sentence_transformers.models."


def save_embedder(
    model: keras.Model, folder: str | Path, text_inputs: text.TextInputs
) -> None:
    """Saves an embedder for `SentenceTransformer(folder)`.

    `load_embedder` reads the folder, too. All files are written completely
    before they replace existing files, `modules.json` last.

    Args:
        model: A model of `models.embedder` on a BERT, with `mix="last"`. LoRA
            updates are merged into the matrices.
        folder: The folder. It is created if needed.
        text_inputs: Its text inputs, a `text.BertInputs`.

    Raises:
        ValueError: If the model is not such an embedder; pools a part of the
            tokens, or has a dense layer with an activation that the library
            does not have; or if the text inputs do not split into WordPiece or
            have added tokens, which `vocab.txt` does not tell.

    Example:
        >>> from keras_ctx import convert
        >>> encoder = models.bert_encoder(7, 1, 2, 8, 12, max_length=16)
        >>> special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        >>> inputs = text.BertInputs([*special, "good", "book"], 16)
        >>> save_embedder(
        ...     models.embedder(encoder, pooling="cls"), "made", inputs)
        >>> model, _ = convert.load_embedder("made")
        made: a vector is the cls, of length 1 (as modules.json says).

    Source:
        https://github.com/UKPLab/sentence-transformers.
    """
    _check_inputs(text_inputs)
    pooling, dense, normalize = _head(model)
    encoder = models.encoder_of(model)
    features = encoder.output["sequence"].shape[-1]
    folder, inputs = Path(folder), cast("text.BertInputs", text_inputs)
    kinds = ["Transformer", "Pooling", *["Dense"] * len(dense)]
    kinds += ["Normalize"] * normalize
    paths = ["", *(f"{k}_{x}" for k, x in enumerate(kinds[1:], 1))]
    contents: dict[str, Any] = {
        TRANSFORMER: {
            "max_seq_length": inputs.max_length,
            "do_lower_case": False,  # the tokenizer does it
        },
        f"{POOLING}/config.json": {
            "word_embedding_dimension": features,
            **{flag: mode in pooling for flag, mode in FLAGS.items()},
            "include_prompt": True,
        },
        PROMPTS: {
            "prompts": {},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }
    given, tensors = features * len(pooling), {}
    for path, layer in zip(paths[2:], dense, strict=False):
        module = _dense(folder / path, given, layer)
        given = module.units
        contents[f"{path}/config.json"] = {
            "in_features": module.inputs,
            "out_features": module.units,
            "bias": module.use_bias,
            "activation_function": _torch_name(module.activation),
        }
        tensors[path] = collect_all(module.weights(layer.name), model)
    contents[MODULES] = [
        {"idx": k, "name": str(k), "path": path, "type": _PREFIX + kind}
        for k, (path, kind) in enumerate(zip(paths, kinds, strict=True))
    ]
    write_bert(
        encoder,
        folder,
        inputs.vocabulary,
        inputs.lower_case,
        inputs.strip_accents,
        inputs.tokenize_chinese_chars,
    )
    for path in paths[1:]:
        (folder / path).mkdir(exist_ok=True)
    # The stack closes backwards: the modules are renamed last.
    with ExitStack() as stack:
        for name, content in reversed(contents.items()):
            file = stack.enter_context(whole_file(folder / name))
            file.write_text(
                json.dumps(content, indent=2) + "\n",
                encoding="utf-8",
                newline="\n",
            )
        for path, arrays in tensors.items():
            file = stack.enter_context(whole_file(folder / path / WEIGHTS))
            write_tensors(file, arrays, {"format": "pt"})


def _check_inputs(text_inputs: text.TextInputs) -> None:
    if not isinstance(text_inputs, text.BertInputs):
        raise ValueError(
            "`text_inputs` must be `BertInputs`, the tokenizer of a BERT. "
            f"Received: {type(text_inputs).__name__}"
        )
    config = text_inputs.get_config()
    if text_inputs.split != "wordpiece" or config.get("added_tokens"):
        raise ValueError(
            '`text_inputs` must have `split="wordpiece"` and no '
            "`added_tokens`: vocab.txt does not tell them. Received: "
            f"split={text_inputs.split!r}, "
            f"added_tokens={config.get('added_tokens')}"
        )


def _head(
    model: keras.Model,
) -> tuple[tuple[str, ...], list[keras.layers.Dense], bool]:
    """Returns the modes, the dense layers, and whether vectors have length 1.

    Raises:
        ValueError: The model has a layer that is of no such module.
    """
    pooling: tuple[str, ...] = ()
    dense, normalize = [], False
    # Not only layers: a mixture may be a function of `keras.ops`.
    for layer in model.operations:
        if isinstance(layer, keras.layers.InputLayer | keras.Model):
            continue
        if isinstance(layer, layers.MaskedMean):
            pooling = ("mean",)
        elif isinstance(layer, layers.Pooling) and not layer.num_skipped:
            pooling = layer.modes
        elif isinstance(layer, keras.layers.Dense):
            dense.append(layer)
        elif isinstance(layer, keras.layers.UnitNormalization):
            normalize = True
        else:
            raise ValueError(
                "`model` must be a `models.embedder` of the last layer of a "
                "BERT, without skipped tokens: sentence-transformers has no "
                f"module for the rest. Received: {layer.name!r}, a "
                f"{type(layer).__name__}"
            )
    if not pooling:
        raise ValueError(
            "`model` must be a model of `models.embedder`. Received: "
            f"{model.name!r}, which pools no tokens"
        )
    return pooling, dense, normalize


def _dense(folder: Path, inputs: int, layer: keras.layers.Dense) -> DenseModule:
    name = keras.activations.serialize(layer.activation)
    if name not in ACTIVATIONS.values():
        raise ValueError(
            "`model` must have dense layers with an activation among "
            f"{', '.join(ACTIVATIONS.values())}. Received: {name!r} of "
            f"{layer.name!r}"
        )
    return DenseModule(folder, inputs, layer.units, name, layer.use_bias)


def _torch_name(activation: str) -> str:
    """Returns the class of torch that computes Keras's activation."""
    (name,) = (x for x, y in ACTIVATIONS.items() if y == activation)
    module = "linear" if name == "Identity" else "activation"
    return f"torch.nn.modules.{module}.{name}"
