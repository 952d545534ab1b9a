"""Exports a BERT as a file for LiteRT, TensorFlow's on-device runtime."""

import json
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from keras_ctx.files.whole_file import whole_file, write_text
from keras_ctx.layers import TokenAndSegmentEmbedding
from keras_ctx.serving.card.model_card import weights_sha256
from keras_ctx.serving.export.checks import check_backend, check_model
from keras_ctx.serving.output_kinds.kind import Arrays
from keras_ctx.serving.signatures.build import MakeOutputs
from keras_ctx.serving.signatures.model_outputs import ModelOutputs, Tensors
from keras_ctx.serving.signatures.signature import Signature
from keras_ctx.serving.signatures.sublayers import all_layers
from keras_ctx.serving.verify.comparison import compared
from keras_ctx.serving.verify.expectation import Expectation, expectation
from keras_ctx.serving.verify.witness import Answer, Witness
from keras_ctx.serving.weights.quantization_error import (
    TOLERANCES,
    Drift,
    measured_drift,
)

SIGNATURE = "features"


def export_lite(
    model: keras.Model,
    path: str | Path,
    *,
    weights: Literal["float32", "int8"] = "float32",
    length: int | None = None,
    pad_id: int = 0,
) -> Drift:
    """Writes a model with a BERT encoder as a LiteRT file.

    The file has one signature, `features`, as `export` has: it maps `token_ids`
    and `segment_ids`, int32 `(B, T)` (for a `bert_pretrainer` also
    `masked_positions` `(B, M)`), to the model's outputs by name. The padding
    mask follows from the ids. The calling program must tokenize texts. The file
    needs only LiteRT's built-in ops, and is tested on random ids before it is
    published.

    Args:
        model: A `bert_encoder`, alone or under a head of `keras_ctx.models`;
            not one with a CRF or LSTMs, whose loops LiteRT does not have.
        path: The file to write, usually `*.tflite`; an existing one is
            replaced. The same path with `.json` appended gets the length, the
            drift and the digest of `model`'s weights.
        weights: "int8" stores kernels and tables in a quarter of the bytes,
            with dynamic ranges: LiteRT also rounds the inputs of the products
            to int8, row by row.
        length: A fixed T for all requests, which accelerators need; `None` for
            any.
        pad_id: The id of [PAD].

    Returns:
        The difference of the file's answers from `model`'s: for each output the
        `largest` and the `mean` difference, or the share of `equal` values for
        an integer output.

    Raises:
        ValueError: `model` is not such a model or needs an op that LiteRT
            lacks, `length` does not fit it, or `weights` is unknown.
        OSError: `path` cannot be written.
        RuntimeError: The file's answers differ from the compiled `model`'s by
            more than rounding explains (`keras_ctx.serving.verify.rounding`),
            or with "int8" by more than 0.5 (absolute below 1, relative above).
            Padding is not compared. Nothing is written then.

    Example:
        >>> from keras_ctx import models
        >>> model = models.embedder(models.bert_encoder(99, 1, 2, 8, 16, 32))
        >>> drift = export_lite(model, "sentences.tflite")
        >>> drift["embedding"]["largest"] < 1e-5
        True
        >>> Path("sentences.tflite.json").exists()
        True

    Source: https://ai.google.dev/edge/litert/models/convert_tf and
    https://ai.google.dev/edge/litert/models/post_training_quant.
    """
    check_backend()
    check_model(model)
    if weights not in ("float32", "int8"):
        raise ValueError(
            "`weights` must be 'float32' or 'int8'. Received: "
            f"weights={weights!r}"
        )
    table = _table(model, length)

    def make(make_outputs: MakeOutputs) -> dict[str, Signature]:
        return {SIGNATURE: _signature(model, make_outputs, length, pad_id)}

    signature = make(ModelOutputs)[SIGNATURE]
    requests = _requests(list(signature.inputs), table, length, pad_id)
    expected = expectation(
        model, Witness(make), [(SIGNATURE, inputs) for inputs in requests]
    )
    content = _converted(signature, weights)
    drift = _drift(content, expected, weights)
    path = Path(path)
    card = {
        "name": path.name,
        "signature": SIGNATURE,
        "length": length,
        "pad_id": pad_id,
        "weights": weights,
        "drift": drift,
        "weights_sha256": weights_sha256(model),
    }
    with whole_file(path) as temporary:
        temporary.write_bytes(content)
    write_text(
        path.with_name(f"{path.name}.json"), json.dumps(card, indent=1) + "\n"
    )
    return drift


def _table(model: keras.Model, length: int | None) -> Any:
    """Returns the layer that defines the number of ids and positions."""
    for table in all_layers(model):
        if isinstance(table, TokenAndSegmentEmbedding):
            break
    else:
        raise ValueError(
            "`model` must have a BERT encoder of `keras_ctx.models` in it. "
            f"Received: one that takes {sorted(model.input)}"
        )
    most = table.max_length
    if length is not None and (
        type(length) is not int or not 1 <= length <= most
    ):
        raise ValueError(
            f"`length` must be an integer from 1 to {most}, the positions of "
            f"`model`, or None. Received: length={length!r}"
        )
    return table


def _signature(
    model: keras.Model,
    make_outputs: MakeOutputs,
    length: int | None,
    pad_id: int,
) -> Signature:
    """Returns the signature from ids to outputs."""
    outputs = make_outputs(model)
    names = [name for name in model.input if name != "padding_mask"]

    def features(*ids: tf.Tensor) -> Tensors:
        taken = dict(zip(names, ids, strict=True))
        taken["padding_mask"] = taken["token_ids"] != pad_id
        return outputs(taken)

    # `masked_positions` may have any length.
    lengths = {"token_ids": length, "segment_ids": length}
    specs = {
        name: tf.TensorSpec((None, lengths.get(name)), tf.int32, name)
        for name in names
    }
    return Signature(features, specs, outputs.kinds)


def _converted(signature: Signature, weights: str) -> bytes:
    # Through a SavedModel: from a function, the file would have no signature.
    with tempfile.TemporaryDirectory() as folder:
        archive = keras.export.ExportArchive()
        specs = list(signature.inputs.values())
        archive.add_endpoint(SIGNATURE, signature.function, specs)
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=[SIGNATURE]
        )
        if weights == "int8":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        try:
            return converter.convert()
        except Exception as error:  # its type is not public
            raise ValueError(
                "`model` must have only ops of LiteRT, which lacks the loops "
                f"of a CRF or an LSTM. Received: {str(error)[:500]}"
            ) from error


def _requests(
    names: Sequence[str], table: Any, length: int | None, pad_id: int
) -> list[dict[str, np.ndarray]]:
    """Returns random ids; of two rows, the second ends in padding."""
    generator = np.random.default_rng(0)
    requests = []
    for rows, most in ((1, 1), (2, 7), (1, table.max_length)):
        columns = length or min(most, table.max_length)
        ids = generator.integers(0, table.vocabulary_size, (rows, columns))
        ids[1:, columns - columns // 3 :] = pad_id
        request = {
            "token_ids": ids,
            "segment_ids": generator.integers(0, table.num_segments, ids.shape),
            "masked_positions": np.zeros((rows, 1)),
        }
        requests.append({x: request[x].astype("int32") for x in names})
    return requests


def _drift(content: bytes, expected: Expectation, weights: str) -> Drift:
    """Compares the file's answers with those of the compiled model."""
    with warnings.catch_warnings():
        # TensorFlow 2.20 warns that the interpreter will move to its own
        # package, 60 MB more for this check alone.
        warnings.simplefilter("ignore", UserWarning)
        interpreter = tf.lite.Interpreter(model_content=content)
    runner = interpreter.get_signature_runner(SIGNATURE)
    pairs = []
    for (_, inputs), right in zip(
        expected.requests, expected.answers, strict=True
    ):
        given = runner(**inputs)
        if weights == "float32":
            _check(given, right, expected, inputs)
        pairs.append(
            (
                SIGNATURE,
                {key: right.meaning(given, key) for key in right.outputs},
                {
                    key: right.meaning(right.outputs, key)
                    for key in right.outputs
                },
            )
        )
    return measured_drift(pairs, TOLERANCES.get(weights, np.inf))[SIGNATURE]


def _check(
    given: Arrays, right: Answer, expected: Expectation, inputs: Mapping
) -> None:
    found = compared(
        given,
        right,
        expected.bounds[SIGNATURE],
        expected.model_bounds[SIGNATURE],
        inputs,
    )
    for key, one in found.items():
        if not one.share <= 1:
            raise RuntimeError(
                f"`{key}` must be that of the model. It is off by "
                f"{one.largest:g}, {one.share:.3g} times the rounding bound; "
                "nothing was written."
            )
