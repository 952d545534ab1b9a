"""For any bytes sent, the strings of an answer are valid UTF-8.

TF Serving's REST would write others into its JSON unchanged, with status 200.
"""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from contracts.random_weights import randomized

from keras_ctx import models
from keras_ctx.serving import AnswerWindows
from keras_ctx.serving.signatures.build import signatures
from keras_ctx.text import SPECIAL_TOKENS, BertInputs, ElmoInputs

PIECES = [*SPECIAL_TOKENS, *"good book ##s 书 好 这 a b , .".split()]
LABELS = ["bad", "so so", "很好"]
# Half a character, a surrogate, an overlong form, a NUL, and valid text.
BROKEN = [b"a\xff b", b"\xed\xa0\x80 good \xc0\xaf", b"\0book \xe4\xbd", b"a"]
# Python as reference writes the same number of U+FFFD.
REPAIRED = [text.decode("utf-8", "replace") for text in BROKEN]


def bert() -> keras.Model:
    return models.bert_encoder(len(PIECES), 1, 2, 8, 16, 12)


def elmo() -> keras.Model:
    return models.elmo_encoder([(1, 4)], 4, 4, max_characters=8)


# The model, its labels, and the number of texts its task takes.
CASES: dict[str, Any] = {
    "classify": lambda: (models.classifier(bert(), 3), LABELS, 1),
    "tag": lambda: (models.tagger(bert(), 3), LABELS, 1),
    "answer": lambda: (models.span_extractor(bert()), None, 2),
    "fill_mask": lambda: (models.bert_pretrainer(bert()), None, 1),
    "embed": lambda: (bert(), None, 1),
    "elmo_tag": lambda: (models.tagger(elmo(), 3, crf=True), LABELS, 1),
    "elmo_embed": lambda: (elmo(), None, 1),
}


def ask(signature: Any, *inputs: Any) -> dict[str, np.ndarray]:
    """Returns strings as `str`, decoded strictly like a JSON client."""
    outputs = signature.function(*(tf.constant(x) for x in inputs))
    found = {key: value.numpy() for key, value in outputs.items()}
    read = np.vectorize(bytes.decode, otypes=[object])
    return {
        key: read(value) if value.dtype == object else value
        for key, value in found.items()
    }


@pytest.mark.quick("classify", "embed", "answer")
@pytest.mark.parametrize("name", CASES)
def test_broken_bytes_read_as_their_repaired_text(name: str) -> None:
    model, labels, count = CASES[name]()
    is_elmo = name.startswith("elmo")
    inputs = ElmoInputs(8, max_length=12) if is_elmo else BertInputs(PIECES, 12)
    windows = AnswerWindows(max_question=4) if name == "answer" else None
    found = signatures(randomized(model), inputs, labels, False, 3, windows)
    for key in (name.removeprefix("elmo_"), "tokens"):
        broken: Any = BROKEN
        repaired: Any = REPAIRED
        if key == "tokens":
            broken = [[text, b"book", b""] for text in BROKEN]
            repaired = [[text, "book", ""] for text in REPAIRED]
        answer = ask(found[key], *[broken] * count)
        right = ask(found[key], *[repaired] * count)
        for output, value in right.items():
            np.testing.assert_array_equal(
                answer[output], value, err_msg=f"{key}: {output}"
            )
        if "starts" in answer and key == "tag":
            check_places(answer)
        if "words" in answer and key == "tokens" and name != "fill_mask":
            # Repaired by Python, including a NUL.
            shown = [row[0] for row in answer["words"]]
            assert shown == REPAIRED


def check_places(answer: dict[str, np.ndarray]) -> None:
    """Checks that offsets count characters of the repaired text."""
    for row, text in enumerate(REPAIRED):
        places = zip(answer["starts"][row], answer["ends"][row], strict=True)
        spans = [text[start:end] for start, end in places if start >= 0]
        assert spans == [word for word in answer["words"][row] if word]
        assert spans
