"""Answers a request with a loaded model, as Python values."""

from typing import Any

from google.protobuf.json_format import MessageToDict

from keras_ctx.serving.rest.example_request import example_inputs
from keras_ctx.serving.rest.loaded_version import LoadedVersion
from keras_ctx.serving.rest.predict_request import (
    predict_inputs,
    read_request,
    signature_name,
)
from keras_ctx.serving.rest.request_limits import check_rows
from keras_ctx.serving.rest.response import (
    classify_answer,
    predict_answer,
    regress_answer,
)
from keras_ctx.serving.rest.values import RequestError
from keras_ctx.serving.rest.watched_model import WatchedModel


def read_body(verb: str, body: bytes, max_rows: int) -> dict[str, Any]:
    """Reads the body of a POST request, before its model is looked up.

    Args:
        verb: "predict", "classify" or "regress".
        body: JSON in the format of TensorFlow Serving.
        max_rows: Most rows allowed.

    Raises:
        RequestError: The body is not a valid request, or has too many rows.

    Example:
        >>> read_body("predict", b'{"instances": ["a"]}', max_rows=1)
        {'instances': ['a'], 'signature_name': 'serving_default'}
    """
    request = read_request(body)
    check_rows(request, max_rows)
    request["signature_name"] = signature_name(request)
    if verb != "predict":
        request["inputs"] = example_inputs(request)
    return request


def answer(
    version: LoadedVersion, verb: str, request: dict[str, Any]
) -> dict[str, Any]:
    """Runs a request on one version of a model.

    Args:
        version: The version, which must stay in memory meanwhile.
        verb: "predict", "classify" or "regress".
        request: The request from `read_body`.

    Returns:
        The content of the response body.

    Raises:
        RequestError: The request does not fit the signature.
        tf.errors.OpError: The graph refuses the inputs.
    """
    name = request["signature_name"]
    if name not in version.signatures:
        raise RequestError(
            f'Serving signature name: "{name}" not found in signature def. '
            f"There are: {sorted(version.signatures)}"
        )
    inputs = version.inputs(name)
    if verb == "predict":
        optional = version.defaults(name)
        arrays, in_rows = predict_inputs(request, inputs, optional)
        return predict_answer(version.run(name, arrays), in_rows)
    method = version.signatures[name].method_name
    if method != f"tensorflow/serving/{verb}":
        raise RequestError(
            f"`:{verb}` needs a signature whose method_name is "
            f"tensorflow/serving/{verb}. That of `{name}`, which takes "
            f"{sorted(inputs)}, is {method}; give another as "
            "`signature_name`, or use `:predict`."
        )
    if list(inputs) != ["inputs"]:
        raise RequestError(
            f"`:{verb}` needs a signature with one input, `inputs`, of "
            f"tf.train.Example. `{name}` takes {sorted(inputs)}."
        )
    outputs = version.run(name, {"inputs": request["inputs"]})
    if verb == "classify":
        return classify_answer(outputs)
    return regress_answer(outputs)


def metadata(
    model: WatchedModel, number: int | None = None, label: str | None = None
) -> dict[str, Any]:
    """Returns the signatures of a version, in TensorFlow Serving's form.

    Args:
        model: The model.
        number: Number of the version. Without number and label, the newest.
        label: Label of the version.

    Raises:
        NoSuchVersion: The version is not in memory.
        UnknownLabel: No version has the label.
    """
    with model.version(number, label) as (found, version):
        signatures = {
            name: MessageToDict(
                signature,
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
            for name, signature in version.signatures.items()
        }
    return {
        "model_spec": {
            "name": model.name,
            "signature_name": "",
            "version": str(found),
        },
        "metadata": {"signature_def": {"signature_def": signatures}},
    }
