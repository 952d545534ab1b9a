"""Requests that a server runs before it serves a version.

Without them, a version with an op that the server lacks would load as available
and fail at its first request; with them, it is not loaded.

A server that batches refuses a request whose inputs differ in their first axis,
and with it the version, so such a request is left out. The ids of
`ElmoInputs(distinct=True)` are an example: one input has a row for each word,
the other a row for each text.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    input_pb2,
    predict_pb2,
    prediction_log_pb2,
    regression_pb2,
)

from keras_ctx.serving.signatures.signature import Signature
from keras_ctx.serving.verify.raw_answers import Request

# A server refuses a version with more; see saved_model_warmup_util.h.
_MOST_RECORDS = 1000
FILE = Path("assets.extra") / "tf_serving_warmup_requests"


def write_warm_up(
    folder: Path,
    name: str,
    made: Mapping[str, Signature],
    requests: Sequence[Request],
) -> None:
    """Writes the `requests` that can be batched, where a server expects them.

    If there are more than a server accepts, some of each signature are kept,
    including the last.

    Source: https://www.tensorflow.org/tfx/serving/saved_model_warmup.
    """
    (folder / FILE).parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / FILE)) as writer:
        for signature, inputs in _chosen(requests):
            log = _log(name, signature, made[signature], inputs)
            writer.write(log.SerializeToString())


def _chosen(requests: Sequence[Request]) -> list[Request]:
    kept: dict[str, list[Request]] = {}
    for signature, inputs in requests:
        if can_be_batched(inputs):
            kept.setdefault(signature, []).append((signature, inputs))
    most = _MOST_RECORDS // max(len(kept), 1)
    # The last two are a short text and one of full length.
    return [
        request
        for found in kept.values()
        for request in (
            found if len(found) <= most else [*found[: most - 2], *found[-2:]]
        )
    ]


def can_be_batched(inputs: Mapping) -> bool:
    """Returns whether all inputs of a request have the same number of rows."""
    return len({np.shape(value)[:1] for value in inputs.values()}) == 1


def _log(name: str, signature: str, made: Signature, inputs: Mapping):
    log = prediction_log_pb2.PredictionLog()
    if made.method == "predict":
        request = predict_pb2.PredictRequest()
        for key, taken in made.inputs.items():
            tensor = tf.make_tensor_proto(inputs[key], taken.dtype)
            request.inputs[key].CopyFrom(tensor)
        log.predict_log.request.CopyFrom(request)
        spec = log.predict_log.request.model_spec
    else:
        examples = input_pb2.ExampleList(
            examples=map(tf.train.Example.FromString, inputs["inputs"])
        )
        rows = input_pb2.Input(example_list=examples)
        if made.method == "classify":
            request = classification_pb2.ClassificationRequest(input=rows)
            log.classify_log.request.CopyFrom(request)
            spec = log.classify_log.request.model_spec
        else:
            request = regression_pb2.RegressionRequest(input=rows)
            log.regress_log.request.CopyFrom(request)
            spec = log.regress_log.request.model_spec
    spec.name, spec.signature_name = name, signature
    return log
