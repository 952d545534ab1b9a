"""Small SavedModels with the signatures of this library's exports.

Their answers are known in advance, and show which version gave them.
"""

import os
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

TEXT = tf.TensorSpec((None,), tf.string, name="text")
GOOD, BAD = "好", "坏"
_PENALTY, _LENGTH = tf.constant([0.5]), tf.constant([9])


def publish(
    base: Path,
    number: int,
    signatures: dict[str, Callable],
    methods: dict[str, str] | None = None,
    warm_up: dict[str, dict] | None = None,
) -> Path:
    """Writes a version under a temporary name and renames it."""
    hidden = base / f".unfinished-{number}"
    module = tf.Module()
    for name, function in signatures.items():
        setattr(module, name, function)
    tf.saved_model.save(module, str(hidden), signatures)
    if methods:
        path = hidden / "saved_model.pb"
        model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
        for name, method in methods.items():
            graph = model.meta_graphs[0]
            graph.signature_def[
                name
            ].method_name = f"tensorflow/serving/{method}"
        path.write_bytes(model.SerializeToString())
    if warm_up:
        (hidden / "assets.extra").mkdir()
        file = hidden / "assets.extra" / "tf_serving_warmup_requests"
        with tf.io.TFRecordWriter(str(file)) as writer:
            for name, inputs in warm_up.items():
                request = PredictRequest()
                request.model_spec.signature_name = name
                for key, value in inputs.items():
                    tensor = tf.make_tensor_proto(value)
                    request.inputs[key].CopyFrom(tensor)
                log = PredictionLog()
                log.predict_log.request.CopyFrom(request)
                writer.write(log.SerializeToString())
    os.rename(hidden, base / str(number))
    return base / str(number)


def classifier(number: int = 1) -> dict[str, Callable]:
    """Scores `good` as 0.9, 0.1 or 0.5, if the text has 好, 坏 or neither.

    `which` returns the number of the version.
    """

    def scored(text):
        text = tf.ensure_shape(text, [None])
        good = tf.strings.regex_full_match(text, f".*{GOOD}.*")
        bad = tf.strings.regex_full_match(text, f".*{BAD}.*")
        score = tf.where(good, 0.9, tf.where(bad, 0.1, 0.5))
        scores = tf.stack([score, 1 - score], 1)
        order = tf.argsort(-scores)
        labels = tf.gather(tf.constant(["good", "bad"]), order)
        scores = tf.gather(scores, order, batch_dims=1)
        return labels, scores

    @tf.function(input_signature=[TEXT])
    def classify(text):
        labels, scores = scored(text)
        length = tf.strings.length(text, "UTF8_CHAR")
        return {
            "labels": labels,
            "scores": scores,
            "num_tokens": length + 2,
            "truncated": length > 100,
        }

    @tf.function(input_signature=[TEXT])
    def which(text):
        return {"number": tf.fill(tf.shape(text), number)}

    @tf.function(
        input_signature=[tf.TensorSpec((None,), tf.string, name="inputs")]
    )
    def classify_examples(inputs):
        feature = tf.io.FixedLenFeature((), tf.string)
        labels, scores = scored(
            tf.io.parse_example(inputs, {"text": feature})["text"]
        )
        return {"classes": labels, "scores": scores}

    @tf.function(
        input_signature=[tf.TensorSpec((None,), tf.string, name="inputs")]
    )
    def regress_examples(inputs):
        feature = tf.io.FixedLenFeature((), tf.string)
        text = tf.io.parse_example(inputs, {"text": feature})["text"]
        length = tf.strings.length(text, "UTF8_CHAR")
        return {"outputs": tf.cast(length, tf.float32)[:, tf.newaxis]}

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, None), tf.int32, name="token_ids"),
            tf.TensorSpec((None, None), tf.float32, name="weights"),
        ]
    )
    def features(token_ids, weights):
        # Text between base64-encoded bytes, and difficult numbers.
        total = tf.reduce_sum(tf.cast(token_ids, tf.float32) * weights, 1)
        return {
            "total": total,
            "inverse": 1 / total,
            "is_even": tf.math.mod(total, 2) == 0,
            "raw_bytes": tf.fill(tf.shape(total), b"\xff\x00"),
            "broken": tf.fill(tf.shape(total), b"a\xff"),
        }

    @tf.function(input_signature=[TEXT])
    def fails(text):
        with tf.control_dependencies(
            [tf.debugging.assert_equal(tf.size(text), -1, "never right")]
        ):
            return {"text": tf.identity(text)}

    return {
        "serving_default": classify,
        "classify": classify,
        "which": which,
        "classify_examples": classify_examples,
        "regress_examples": regress_examples,
        "features": features,
        "fails": fails,
    }


METHODS = {"classify_examples": "classify", "regress_examples": "regress"}


def tagger() -> dict[str, Callable]:
    """Tags characters: 王 is B-PER, 明 I-PER, 🙂 B-MOOD."""

    @tf.function(input_signature=[TEXT])
    def tag(text):
        words = tf.strings.unicode_split(text, "UTF-8", errors="replace")
        tags = tf.map_fn(
            lambda x: tf.where(
                x == "王",
                "B-PER",
                tf.where(
                    x == "明", "I-PER", tf.where(x == "🙂", "B-MOOD", "O")
                ),
            ),
            words,
        )
        starts = tf.ragged.range(words.row_lengths())
        return {
            "words": words.to_tensor(),
            "tags": tags.to_tensor(),
            "scores": tf.cast(
                tf.where(tags.to_tensor() == "", 0.0, 0.75), tf.float32
            ),
            "starts": tf.cast(starts.to_tensor(-1), tf.int32),
            "ends": tf.cast((starts + 1).to_tensor(-1), tf.int32),
            "num_tokens": tf.cast(words.row_lengths(), tf.int32),
            "truncated": words.row_lengths() > 100,
        }

    return {"serving_default": tag, "tag": tag}


def extractor() -> dict[str, Callable]:
    """Answers with characters 2 to 4 and 0 to 1 of the context, if it has at
    least four, else with none."""

    @tf.function(
        input_signature=[
            tf.TensorSpec((None,), tf.string, name="question"),
            tf.TensorSpec((None,), tf.string, name="context"),
        ]
    )
    def answer(question, context):
        rows = tf.size(question)
        long = tf.strings.length(context, "UTF8_CHAR") >= 4

        def columns(values, none):
            values = tf.tile(tf.constant([values]), [rows, 1])
            return tf.where(long[:, tf.newaxis], values, none)

        # Shorter ones must also have characters to cut.
        padded = tf.strings.join([context, "____"])
        first = tf.strings.substr(padded, 2, 2, "UTF8_CHAR")
        second = tf.strings.substr(padded, 0, 1, "UTF8_CHAR")
        empty = tf.fill([rows], "")
        answers = tf.stack([first, second, empty], 1)
        return {
            "answers": tf.where(long[:, tf.newaxis], answers, ""),
            "scores": columns([0.7, 0.2, 0.1], 0.0),
            "starts": columns([2, 0, -1], -1),
            "ends": columns([4, 1, -1], -1),
            "num_tokens": tf.strings.length(context, "UTF8_CHAR"),
            "truncated": tf.fill([rows], False),
        }

    return {"serving_default": answer, "answer": answer}


def masked() -> dict[str, Callable]:
    """Fills every [MASK] with 水 or 火."""

    @tf.function(input_signature=[TEXT])
    def fill_mask(text):
        count = (
            tf.strings.length(text)
            - tf.strings.length(tf.strings.regex_replace(text, r"\[MASK\]", ""))
        ) // len("[MASK]")
        there = tf.sequence_mask(count)[..., tf.newaxis]
        return {
            "words": tf.where(there, tf.constant(["水", "火"]), ""),
            "scores": tf.where(there, tf.constant([0.8, 0.15]), 0.0),
            "num_masks": count,
            "num_tokens": tf.strings.length(text, "UTF8_CHAR"),
            "truncated": count < 0,
        }

    return {"serving_default": fill_mask, "fill_mask": fill_mask}


def embedder() -> dict[str, Callable]:
    """Embeds a text as its counts of 山, 水 and 火, never all 0."""

    @tf.function(input_signature=[TEXT])
    def embed(text):
        counts = [
            tf.strings.length(text, "UTF8_CHAR")
            - tf.strings.length(
                tf.strings.regex_replace(text, x, ""), "UTF8_CHAR"
            )
            for x in "山水火"
        ]
        embedding = tf.cast(tf.stack(counts, 1), tf.float32) + 0.01
        length = tf.strings.length(text, "UTF8_CHAR")
        return {
            "embedding": embedding,
            "num_tokens": length,
            "truncated": length > 100,
        }

    return {"serving_default": embed, "embed": embed}


def translator() -> dict[str, Callable]:
    """Doubles each text, and aligns a text with itself.

    Its two settings have defaults, which the answers repeat.
    """
    settings = [
        tf.TensorSpec((None,), tf.float32, name="length_penalty"),
        tf.TensorSpec((None,), tf.int32, name="max_length"),
    ]

    # Named as the inputs of a signature of ours.
    @tf.function(input_signature=[TEXT, *settings])
    def translate(
        text,
        length_penalty=_PENALTY,
        max_length=_LENGTH,
    ):
        shape = tf.shape(text)
        penalty = tf.broadcast_to(length_penalty, shape)
        return {
            "texts": (text + " " + text)[:, None],
            "scores": penalty[:, None],
            "num_tokens": tf.broadcast_to(max_length, shape)[:, None],
            "stopped": tf.fill(shape, "end")[:, None],
            "truncated": tf.fill(shape, False),
        }

    @tf.function(input_signature=[TEXT])
    def alone(text):
        return translate(text, _PENALTY, _LENGTH)

    @tf.function(
        input_signature=[TEXT, tf.TensorSpec((None,), tf.string, "translation")]
    )
    def align(text, translation):
        source, target = tf.strings.split(text), tf.strings.split(translation)
        source, target = source.to_tensor(""), target.to_tensor("")
        there = source[:, None, :] == target[:, :, None]
        weights = tf.cast(there, tf.float32)
        return {
            "source_tokens": source,
            "target_tokens": target,
            "weights": tf.stack([1 - weights, weights, 1 - weights], axis=1),
        }

    return {"serving_default": alone, "translate": translate, "align": align}
