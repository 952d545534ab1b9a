"""Requests for a signature, good ones and bad ones, from its inputs alone."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from cpp_server import Arrays, Signature
from served_models import Case


def strings(texts: Sequence[str | bytes]) -> np.ndarray:
    """Strings as NumPy keeps them without a word about their length."""
    return np.array(
        [x.encode() if isinstance(x, str) else x for x in texts], object
    )


def words(texts: Sequence[str]) -> np.ndarray:
    """Words `(B, W)` of texts, "" on padding."""
    rows = [text.split() or [""] for text in texts]
    most = max(map(len, rows))
    padded = [word for row in rows for word in row + [""] * (most - len(row))]
    return strings(padded).reshape(len(rows), most)


def examples(texts: Sequence[str]) -> np.ndarray:
    """Texts as serialized `tf.train.Example`, for Classify and Regress."""

    def example(text: str) -> bytes:
        value = tf.train.BytesList(value=[text.encode()])
        feature = {"text": tf.train.Feature(bytes_list=value)}
        features = tf.train.Features(feature=feature)
        return tf.train.Example(features=features).SerializeToString()

    return strings([example(text) for text in texts])


# What an input of a signature holds, by its name.
INPUTS: dict[str, Callable[[Sequence[str]], np.ndarray]] = {
    "text": strings,
    "second_text": lambda texts: strings(texts[::-1]),
    "question": strings,
    "context": lambda texts: strings(texts[::-1]),
    "tokens": words,
    "second_tokens": lambda texts: words(texts[::-1]),
    "inputs": examples,
    "examples": examples,
}


def request_of(
    name: str, signature: Signature, case: Case, texts: Sequence[str]
) -> Arrays:
    """The inputs of the signature `name`, a row for each text."""
    if name == "fill_mask":
        texts = [f"{text} [MASK]" for text in texts]
    # The ids of a text belong together.
    features = case.text_inputs(texts) if name == "features" else {}
    return {
        key: features[key].numpy() if features else INPUTS[key](texts)
        for key in signature.inputs
    }


class Request(NamedTuple):
    """A request, what is odd about it, and whether it has to be refused.

    None where an answer is as good as an error.
    """

    what: str
    inputs: dict[str, Any]
    refused: bool | None


def odd_requests(good: Arrays) -> list[Request]:
    """All that may be wrong or unusual with an input, one thing at a time."""
    odd = [Request("another input", {**good, "nonsense": strings(["a"])}, True)]
    for key, value in good.items():

        def other(
            what: str, change: Any, refused: bool | None = None, key: str = key
        ) -> None:
            odd.append(
                Request(f"{key}: {what}", {**good, key: change}, refused)
            )

        less = {k: v for k, v in good.items() if k != key}
        odd.append(Request(f"{key} is missing", less, True))
        other("a scalar", value.reshape(-1)[0], True)
        other("a rank more", value[..., None], True)
        if value.ndim > 1:
            other("a rank less", value[0], True)
            other("no positions", value[:, :0])
        other("float64", np.zeros(value.shape, "float64"), True)
        if len(good) > 1:
            other("another number of rows", value[:1])
        if value.dtype == object:
            other("int32", np.zeros(value.shape, "int32"), True)
        elif value.dtype == np.int32:
            other("int64", value.astype("int64"), True)
            other("negative ids", np.full_like(value, -7))
            other("ids beyond every table", np.full_like(value, 2**30))
    none = {key: value[:0] for key, value in good.items()}
    odd.append(Request("no rows", none, None))
    return odd


# A text that is answered, whatever it holds.
ODD_TEXTS = {
    "an empty text": b"",
    "white space alone": " \t\n\u3000\u00a0".encode(),
    "invalid UTF-8": b"\xff\xfe\x80 a \xc3",
    "a surrogate": b"\xed\xa0\x80",
    "zero bytes": b"\x00a\x00",
    "control characters": b"\x01\x02\x7f\xc2\x85",
    "an emoji of seven code points": "👨‍👩‍👧‍👦".encode(),
    "a word of 1,000 letters": b"a" * 1000,
    "special tokens": b"[CLS] [PAD] [MASK] [SEP] <S> </S>",
    "1 MB, a word": b"a" * 2**20,
    "1 MB, words": b"to be or not " * (2**20 // 13),
    "1 MB, Chinese": "很好".encode() * (2**20 // 6),
    "1 MB, invalid": b"\xff" * 2**20,
    "1 MB, blanks": b" " * 2**20,
}


def odd_text_requests(good: Arrays) -> list[Request]:
    """Each odd text in every row, and in the first beside a usual one.

    None for a signature that takes no text, or texts within examples.
    """
    found = []
    for what, text in ODD_TEXTS.items():
        everywhere, once = dict(good), dict(good)
        for key, value in good.items():
            if value.dtype == object and key not in ("inputs", "examples"):
                everywhere[key] = np.full_like(value, text)
                once[key] = np.concatenate([everywhere[key][:1], value[1:]])
        if any(everywhere[key] is not good[key] for key in good):
            found.append(Request(f"{what}, everywhere", everywhere, False))
            found.append(Request(f"{what}, once", once, False))
    return found
