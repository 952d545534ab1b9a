"""What a version says of itself: signature.json and README.md."""

import dataclasses
import hashlib
import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import keras
import numpy as np
import tensorflow as tf

from keras_ctx.files import write_text
from keras_ctx.serving.card_notes import batching_notes
from keras_ctx.serving.drift import Drift
from keras_ctx.serving.model_outputs import TextInputs
from keras_ctx.serving.signatures import Signature
from keras_ctx.serving.text_windows import TextWindows
from keras_ctx.serving.windows import AnswerWindows

_PACKAGES = ("keras_ctx", "keras", "tensorflow", "tensorflow-text")


def write_card(
    folder: Path,
    name: str,
    task: str,
    model: keras.Model,
    text_inputs: TextInputs,
    made: Mapping[str, Signature],
    outputs: Mapping[str, Mapping[str, tf.TensorSpec]],
    labels: Sequence[str] | None,
    metrics: Mapping[str, float],
    windows: AnswerWindows | TextWindows | None,
    weights: str,
    drift: Mapping[str, Drift] | None,
) -> None:
    """Writes both files; the second is made of the first alone."""
    config = text_inputs.get_config()
    config.pop("vocabulary", None)  # in assets/vocab.txt
    card = {
        "name": name,
        "task": task,
        "signatures": {
            signature_name: {
                "method": signature.method,
                "inputs": {
                    key: _spec(spec) for key, spec in signature.inputs.items()
                },
                "outputs": {
                    output: _spec(spec)
                    for output, spec in sorted(outputs[signature_name].items())
                },
            }
            for signature_name, signature in made.items()
        },
        "serving_default": task,
        "text_inputs": {"class": type(text_inputs).__name__, **config},
        "windows": None if windows is None else dataclasses.asdict(windows),
        "labels": None if labels is None else list(labels),
        "metrics": {name: float(value) for name, value in metrics.items()},
        "num_weights": int(model.count_params()),
        "weights_sha256": weights_sha256(model),
        "weights": weights,
        "drift": drift,
        "versions": {
            package: importlib.metadata.version(package)
            for package in _PACKAGES
        },
    }
    lines = json.dumps(card, ensure_ascii=False, indent=1, allow_nan=False)
    write_text(folder / "signature.json", f"{lines}\n")
    write_text(folder / "README.md", _readme(card))


def weights_sha256(model: keras.Model) -> str:
    """A digest of all weights: their shapes, types and bytes, in order."""
    digest = hashlib.sha256()
    for weight in model.weights:
        array = np.asarray(keras.ops.convert_to_numpy(weight))
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _spec(spec: tf.TensorSpec) -> dict[str, Any]:
    return {"dtype": spec.dtype.name, "shape": list(spec.shape)}


# A request of one row for an input of texts.
_EXAMPLES = {
    "text": "今天天气很好。",
    "second_text": "天气不错。",
    "question": "Who wrote it?",
    "context": "It was written by Verdi.",
}


def _readme(card: Mapping[str, Any]) -> str:
    name, task = card["name"], card["task"]
    taken = list(card["signatures"][task]["inputs"])
    sample = {key: [_EXAMPLES[key]] for key in taken}
    if task == "fill_mask":
        sample = {"text": ["今天天气很[MASK]。"]}
    sections = [
        f"# {name}: {task}",
        f"Made by keras_ctx {card['versions']['keras_ctx']} with Keras "
        f"{card['versions']['keras']}, TensorFlow "
        f"{card['versions']['tensorflow']} and TensorFlow Text "
        f"{card['versions']['tensorflow-text']}. {card['num_weights']:,} "
        f"weights, sha256 `{card['weights_sha256']}`.",
    ]
    if card["metrics"]:
        rows = [f"| {k} | {v:.4g} |" for k, v in card["metrics"].items()]
        sections.append("\n".join(["| metric | value |", "|---|---|", *rows]))
    if card["drift"]:
        sections += _drift(card)
    sections += [
        "## Signatures",
        f"`serving_default` is `{task}`. -1 is any size; rows come first. "
        "`signature.json` has the same to be read by programs, and the text "
        "function's settings; `assets/` the vocabulary and the labels.",
        "\n".join(
            [
                "| signature | takes | gives |",
                "|---|---|---|",
                *(
                    f"| `{key}` ({one['method']}) | {_listed(one['inputs'])} "
                    f"| {_listed(one['outputs'])} |"
                    for key, one in card["signatures"].items()
                ),
            ]
        ),
        "## Limits",
        "\n".join(f"- {limit}" for limit in _limits(card)),
        "## Ask it",
        *_curls(card, sample),
        "```python\n"
        "import grpc, tensorflow as tf\n"
        "from tensorflow_serving.apis import predict_pb2\n"
        "from tensorflow_serving.apis import prediction_service_pb2_grpc\n\n"
        "channel = grpc.insecure_channel('localhost:8500')\n"
        "stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)\n"
        "request = predict_pb2.PredictRequest()\n"
        f"request.model_spec.name = {name!r}\n"
        f"for key, texts in {sample!r}.items():\n"
        "    request.inputs[key].CopyFrom(tf.make_tensor_proto(texts))\n"
        "print(stub.Predict(request, timeout=10))\n```",
    ]
    return "\n\n".join(sections) + "\n"


def _curls(card: Mapping[str, Any], sample: Mapping[str, Any]) -> list[str]:
    """A request by REST for each API that the model answers."""
    bodies: dict[str, Any] = {"predict": {"inputs": sample}}
    for name, one in card["signatures"].items():
        if one["method"] != "predict":
            row = {key: values[0] for key, values in sample.items()}
            bodies[one["method"]] = {
                "signature_name": name,
                "examples": [row],
            }
    url = f"http://localhost:8501/v1/models/{quote(card['name'], safe='')}"
    return [
        f"```\ncurl -d '{json.dumps(body, ensure_ascii=False)}' \\\n"
        f"  {url}:{method}\n```"
        for method, body in bodies.items()
    ]


def _limits(card: Mapping[str, Any]) -> list[str]:
    """What happens to requests that are long, or wrong."""
    most, windows = card["text_inputs"].get("max_length"), card["windows"]
    limits = []
    if most is not None:
        limits.append(
            f"A text of more than {most} tokens, special ones among them, is "
            "cut."
        )
    if windows is not None:
        settings = ", ".join(f"{key} {n}" for key, n in windows.items())
        limits.append(
            f"Not by `{card['task']}` and `tokens`, which read it in windows "
            f"({settings})."
        )
    limits += [
        "`num_tokens` says how many tokens a row needs, `truncated` whether "
        "some of them were not read.",
        "Broken UTF-8 is read as U+FFFD. A request of another rank or type "
        "gets an error.",
        "`features` does not look up what ids mean: one that the model does "
        "not know makes NaN of its row, and of no other.",
    ]
    return limits + batching_notes(card)


def _drift(card: Mapping[str, Any]) -> list[str]:
    rows = []
    for signature, outputs in card["drift"].items():
        for name, found in outputs.items():
            cells = [
                f"{found[key]:.3g}" if key in found else ""
                for key in ("largest", "mean", "equal")
            ]
            rows.append(f"| `{signature}` | `{name}` | {' | '.join(cells)} |")
    return [
        "## Drift",
        f"Kernels and tables are kept as {card['weights']} and computed with "
        "in float32; the digest above is that of the float32 weights that "
        "they were made of. Answers to the requests that the export was "
        "checked with differ from those of the float32 weights by",
        "\n".join(
            [
                "| signature | output | largest | mean | share of equal |",
                "|---|---|---|---|---|",
                *rows,
            ]
        ),
    ]


def _listed(specs: Mapping[str, Mapping[str, Any]]) -> str:
    return ", ".join(
        f"`{name}` {spec['dtype']} "
        f"({', '.join('-1' if n is None else str(n) for n in spec['shape'])})"
        for name, spec in specs.items()
    )
