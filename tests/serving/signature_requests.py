"""Creates good and bad requests for a signature from its inputs alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from cpp_server import Arrays, Signature
from served_models import Case

from keras_ctx.data import split_words


def strings(texts: Sequence[str | bytes]) -> np.ndarray:
    """Converts strings to a NumPy array of objects."""
    return np.array(
        [x.encode() if isinstance(x, str) else x for x in texts], object
    )


def words(
    texts: Sequence[str], split: Callable[[str], list[str]] = str.split
) -> np.ndarray:
    """Returns words `(B, W)` of texts, padded with ""."""
    rows = [split(text) or [""] for text in texts]
    most = max(map(len, rows))
    padded = [word for row in rows for word in row + [""] * (most - len(row))]
    return strings(padded).reshape(len(rows), most)


def answer_words(texts: Sequence[str]) -> np.ndarray:
    """Returns the words of answers, `(B, W)`, padded with ""."""
    return words(texts, lambda text: [word for word, _ in split_words(text)])


def examples(texts: Sequence[str | bytes]) -> np.ndarray:
    """Returns texts as serialized `tf.train.Example`s."""
    rows = zip(strings(texts), strings(texts[::-1]), strict=True)
    return strings([example(text=a, second_text=b) for a, b in rows])


def example(**texts: bytes) -> bytes:
    """Returns a serialized `tf.train.Example`, one text per feature."""
    found = tf.train.Example()
    for name, text in texts.items():
        found.features.feature[name].bytes_list.value.append(text)
    return found.SerializeToString()


# The input of words that replaces an input of texts.
WORDS_OF = {
    "text": "tokens",
    "second_text": "second_tokens",
    "question": "question_tokens",
    "context": "context_tokens",
}

# An input that all rows share.
TABLE = "distinct_char_ids"

# Content of a signature's inputs, by name.
INPUTS: dict[str, Callable[[Sequence[str]], np.ndarray]] = {
    "text": strings,
    "second_text": lambda texts: strings(texts[::-1]),
    "question": strings,
    "context": lambda texts: strings(texts[::-1]),
    "tokens": words,
    "second_tokens": lambda texts: words(texts[::-1]),
    "question_tokens": answer_words,
    "context_tokens": lambda texts: answer_words(texts[::-1]),
    "inputs": examples,
    # A word of any split: none has fewer words than that by white space.
    "predicate": lambda texts: np.array(
        [len(text.split()) // 2 for text in texts], np.int32
    ),
    "prompt": strings,
    "translation": lambda texts: strings(texts[::-1]),
    "temperature": lambda texts: in_turns(texts, [0.7, 1.5], "float32"),
    "top_k": lambda texts: in_turns(texts, [1, 9, 400], "int32"),
    "top_p": lambda texts: in_turns(texts, [0.9, 1.0], "float32"),
    "seed": lambda texts: in_turns(texts, [5, 6, 7, 8], "int32"),
    "num_samples": lambda texts: in_turns(texts, [2, 1], "int32"),
    "length_penalty": lambda texts: in_turns(texts, [0.6, 0.0], "float32"),
    "max_length": lambda texts: in_turns(texts, [9, 7], "int32"),
}
# Those that a request may leave out.
OPTIONAL = {
    *("temperature", "top_k", "top_p", "seed", "num_samples"),
    *("length_penalty", "max_length"),
}


def in_turns(
    texts: Sequence[Any], values: Sequence[float], dtype: str
) -> np.ndarray:
    """Returns a setting of each row."""
    return np.resize(values, len(texts)).astype(dtype)


def request_of(
    name: str, signature: Signature, case: Case, texts: Sequence[str]
) -> Arrays:
    """Returns inputs of the signature `name`, one row per text."""
    if case.task == "fill_mask":
        # In some rows the second text is cut off.
        texts = [f"[MASK] {text} [MASK]" for text in texts]
    if "prompt" in signature.inputs:
        # The default leaves room for short prompts alone.
        texts = [text[:12] for text in texts]
    if "prompt" in signature.inputs and name == "generate":
        found = {key: INPUTS[key](texts) for key in signature.inputs}
        longest = [len(text.encode()) for text in texts]
        found["max_length"] = np.array(longest, np.int32) + 6
        return found
    if name != "features":
        return {key: INPUTS[key](texts) for key in signature.inputs}
    # The ids of a text belong together.
    features = {key: x.numpy() for key, x in case.text_inputs(texts).items()}
    shape = next(iter(features.values())).shape[:2]
    features["predicate"] = np.zeros(shape, np.int32)
    features["predicate"][:, 1:2] = 1
    features["masked_positions"] = np.array([[1, 2]] * len(texts), np.int32)
    for name in ("token_ids", "padding_mask"):
        if name in features:
            features[f"decoder_{name}"] = features[name]
    return {key: features[key] for key in signature.inputs}


class Request(NamedTuple):
    """An odd request, with whether it must be refused.

    `None` if an answer is as good as an error.
    """

    what: str
    inputs: dict[str, Any]
    refused: bool | None


def refused_by_rest(request: Request) -> bool | None:
    """Returns `request.refused` for a request in JSON."""
    arrays = [np.asarray(x) for x in request.inputs.values()]
    if any(x.ndim > 1 and len(x) == 0 for x in arrays):
        # No rows of ids or words: `[]` does not have rank 2.
        return True
    # JSON numbers have no dtype that could be refused.
    return None if request.refused else request.refused


def odd_requests(good: Arrays) -> list[Request]:
    """Yields requests with one wrong or unusual input each."""
    odd = [Request("another input", {**good, "nonsense": strings(["a"])}, True)]
    for key, value in good.items():

        def other(
            what: str, change: Any, refused: bool | None = None, key: str = key
        ) -> None:
            odd.append(
                Request(f"{key}: {what}", {**good, key: change}, refused)
            )

        # Positions, not flags.
        of_words = True if key == "predicate" and value.ndim == 1 else None
        less = {k: v for k, v in good.items() if k != key}
        refused = key not in OPTIONAL
        odd.append(Request(f"{key} is missing", less, refused))
        other("a scalar", value.reshape(-1)[0], True)
        other("a rank more", value[..., None], True)
        if value.ndim > 1:
            other("a rank less", value[0], True)
            other("no positions", value[:, :0])
        other("float64", np.zeros(value.shape, "float64"), True)
        if len(good) > 1:
            # For texts and words; a single row of ids may be broadcast.
            refused = True if value.dtype == object or of_words else None
            other("another number of rows", value[:1], refused)
        if key == "inputs":
            other("no examples", strings([b"\xff, no example"] * 2), True)
            other("examples of nothing", strings([example()] * 2), True)
        if value.dtype == object:
            other("int32", np.zeros(value.shape, "int32"), True)
        elif value.dtype == np.int32:
            other("int64", value.astype("int64"), True)
            other("negative ids", np.full_like(value, -7), of_words)
            other(
                "ids beyond every table", np.full_like(value, 2**30), of_words
            )
    none = {k: x if k == TABLE else x[:0] for k, x in good.items()}
    odd.append(Request("no rows", none, False))
    return odd


# A text is always answered, whatever it contains.
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
}
HUGE_TEXTS = {
    "1 MB, a word": b"a" * 2**20,
    "1 MB, words": b"to be or not " * (2**20 // 13),
    "1 MB, Chinese": "很好".encode() * (2**20 // 6),
    "1 MB, invalid": b"\xff" * 2**20,
    "1 MB, blanks": b" " * 2**20,
}


def odd_text_requests(
    good: Arrays, texts: Mapping[str, bytes] = ODD_TEXTS
) -> list[Request]:
    """Yields requests with odd texts in all rows, or in the first only.

    There are none for a signature without text.
    """
    found = []
    for what, text in texts.items():
        everywhere, once = dict(good), dict(good)
        for key, value in good.items():
            if value.dtype == object:
                whole = example(text=text, second_text=text)
                filling = whole if key == "inputs" else text
                # NumPy's fill functions would drop a NUL at the end.
                filled = strings([filling] * value.size)
                everywhere[key] = filled.reshape(value.shape)
                once[key] = np.concatenate([everywhere[key][:1], value[1:]])
        # A prompt is refused that leaves no room for a token, and a predicate
        # that is no word.
        free = "predicate" in good or ("prompt" in good and len(text) > 5)
        refused = None if free else False
        if any(everywhere[key] is not good[key] for key in good):
            found.append(Request(f"{what}, everywhere", everywhere, refused))
            found.append(Request(f"{what}, once", once, refused))
    return found
