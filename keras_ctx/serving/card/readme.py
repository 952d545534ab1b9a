"""Writes the README.md of a version."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from keras_ctx.serving.card.notes import batching_notes
from keras_ctx.serving.signatures.writing import WRITERS

_MOST_LABELS = 50
_NONE: Mapping[str, float] = {}
# Import statement of each library.
_IMPORTS = {
    "tensorflow": "import tensorflow as tf",
    "tensorflow_text": "import tensorflow_text  # registers ops; not used",
}


def readme(card: Mapping[str, Any]) -> str:
    """Returns the page of a version, from its `signature.json`."""
    name, task = card["name"], card["task"]
    sample = card["example"]
    sections = [
        f"# {name}: {task}",
        f"Made by keras_ctx {card['versions']['keras_ctx']} with Keras "
        f"{card['versions']['keras']}, TensorFlow "
        f"{card['versions']['tensorflow']} and TensorFlow Text "
        f"{card['versions']['tensorflow-text']}. {card['num_weights']:,} "
        f"weights, sha256 `{card['weights_sha256']}`.",
    ]
    sections += [*_quality(card), *_checked(card)]
    if card["drift"]:
        sections += _drift(card)
    sections += [
        "## Signatures",
        f"`serving_default` is `{task}`{_alone(card)}. -1 is any size; rows "
        "come first. `signature.json` has the same for programs, and the "
        "settings of the text inputs; `assets/` has the vocabulary and the "
        "labels.",
        "\n".join(
            [
                "| signature | inputs | outputs |",
                "|---|---|---|",
                *(
                    f"| `{key}` ({one['method']}) "
                    f"| {_listed(one['inputs'], one['defaults'])} "
                    f"| {_listed(one['outputs'])} |"
                    for key, one in card["signatures"].items()
                ),
            ]
        ),
        "## Limits",
        "\n".join(f"- {limit}" for limit in _limits(card)),
        "## Requests",
        _python(card),
        "With TensorFlow Serving, by REST and by gRPC:",
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


def _quality(card: Mapping[str, Any]) -> list[str]:
    """Returns the figures, the labels and the data of the model."""
    found = []
    if card["metrics"]:
        data = card["measured_on"] or "unknown"
        rows = [
            f"| {_cell(k)} | {v:.4g} | {_cell(data)} |"
            for k, v in card["metrics"].items()
        ]
        head = ["| metric | value | measured on |", "|---|---|---|"]
        found.append("\n".join([*head, *rows]))
    labels = card["labels"]
    if labels:
        shown = ", ".join(f"`{label}`" for label in labels[:_MOST_LABELS])
        more = "" if len(labels) <= _MOST_LABELS else ", ..."
        meaning = ""
        if card["multi_label"]:
            meaning = (
                " A text may have several of them, or none: each score is the "
                "independent probability of its label."
            )
        found.append(
            f"{len(labels)} labels, in the order of the logits (all are in "
            f"`assets/labels.txt`): {shown}{more}.{meaning}"
        )
    if card["training_data"]:
        rows = [
            f"| {_cell(k)} | `{v}` |" for k, v in card["training_data"].items()
        ]
        found.append("\n".join(["| data | sha256 |", "|---|---|", *rows]))
    return found


def _cell(text: str) -> str:
    """Escapes a text for a table."""
    return text.replace("|", "\\|")


def _checked(card: Mapping[str, Any]) -> list[str]:
    largest = card["agreement"]
    return [
        "Before it was published, each weight in the file was compared with "
        "the model's, bit for bit, and the answers of raw TensorFlow, in a "
        "new process, with those of the compiled Keras model. The largest "
        f"difference is {largest['difference']:.1e} "
        f"({largest['share']:.2g} of the rounding bound)."
    ]


def _python(card: Mapping[str, Any]) -> str:
    """Returns a program that runs the version without server and Keras."""
    needed = card["python_imports"]
    imports = "".join(f"{_IMPORTS[name]}\n" for name in needed)
    taken = ", ".join(
        f"{key}=tf.constant({texts!r})"
        for key, texts in card["example"].items()
    )
    packages = " and ".join(f"`{name}`" for name in needed)
    return (
        f"Without a server, in this folder, with only {packages}:\n\n"
        f"```python\n{imports}"
        '\nmodel = tf.saved_model.load(".")\n'
        f'answer = model.signatures["serving_default"]({taken})\n'
        "for name, value in answer.items():\n"
        "    print(name, value.numpy())\n```"
    )


def _curls(card: Mapping[str, Any], sample: Mapping[str, Any]) -> list[str]:
    """Returns a REST request for each API that the model supports."""
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
    """Returns what happens to long or wrong requests."""
    most, windows = card["text_inputs"].get("max_length"), card["windows"]
    # One line each: a line break would end the list.
    limits = [" ".join(note.split()) for note in card["notes"]]
    if most is not None and card["task"] != "generate":
        limits.append(
            f"A text of more than {most} tokens, including special ones, is "
            "cut."
        )
    if card["task"] in WRITERS:
        return [*limits, *_writers_limits(card["task"]), *batching_notes(card)]
    if windows is not None:
        settings = ", ".join(f"{key} {n}" for key, n in windows.items())
        limits.append(
            f"`{card['task']}` and `tokens` do not cut, but read it in windows "
            f"({settings})."
        )
    if card["task"] == "roles":
        limits += _roles_limits()
    limits += [
        "`num_tokens` is the number of tokens of a row, `truncated` whether "
        "some of them were cut.",
        "Invalid UTF-8 is read as U+FFFD. A request of another rank or type "
        "gets an error.",
        "`features` does not check ids: an id that the model does not know "
        "gives NaN in its row, and in no other.",
    ]
    return limits + batching_notes(card)


def _roles_limits() -> list[str]:
    """Returns the limits of a model of semantic roles."""
    return [
        "A row has one predicate: `predicate` is the position of its word in "
        "`words`, from 0. Repeat a sentence for each of its predicates. A row "
        "whose predicate is no word gets an error, and so do the requests that "
        "a server has put into the same batch.",
        "`role_starts` and `role_ends` are the first word of each of `roles` "
        "and the word after its last; `scores` are the probabilities of "
        "`tags`, each alone.",
        "Where the predicate itself was cut, `predicate_cut` is true and no "
        "word has a tag.",
    ]


def _writers_limits(task: str) -> list[str]:
    """Returns the limits of a model that writes texts."""
    limits = [
        "A setting is given for each row, or once for all of them. TensorFlow "
        "Serving fills in those that a gRPC request leaves out; its REST "
        "interface wants all of them, or `serving_default`.",
        "`num_tokens` counts the tokens that were written, with the one that "
        'ends the text; `stopped` is "end", or "length" where it was cut.',
        "A request is answered when its longest text is written. A setting "
        "that is out of range gets an error with its value, and so do the "
        "requests that a server has put into the same batch.",
        "Invalid UTF-8 is read as U+FFFD. A request of another rank or type "
        "gets an error.",
    ]
    if task == "generate":
        limits += [
            "A prompt must be shorter than `max_length`, which counts the "
            "tokens of the prompt and one that begins every text. It is "
            "refused, and not cut.",
            "The same seed writes the same text, whatever else is in the "
            "batch. `top_k` 1 takes the most probable token each time.",
            "A row has as many texts as the largest `num_samples` of the "
            'batch; the last ones are "" with `num_tokens` 0.',
        ]
    return limits


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
        f"Kernels and tables are stored as {card['weights']} and converted to "
        "float32 for each request; the digest above is that of the "
        "original float32 weights. On the requests of the export's check, "
        "answers differ from those of the original weights by",
        "\n".join(
            [
                "| signature | output | largest | mean | share of equal |",
                "|---|---|---|---|---|",
                *rows,
            ]
        ),
    ]


def _listed(
    specs: Mapping[str, Mapping[str, Any]],
    defaults: Mapping[str, float] = _NONE,
) -> str:
    return ", ".join(
        f"`{name}` {spec['dtype']} "
        f"({', '.join('-1' if n is None else str(n) for n in spec['shape'])})"
        + (f" = {defaults[name]:.6g}" if name in defaults else "")
        for name, spec in specs.items()
    )


def _alone(card: Mapping[str, Any]) -> str:
    if card["serving_default"] == card["task"]:
        return ""
    return " from the texts alone, with the defaults of the table"
