"""Lines and answers of query.py, by REST and gRPC."""

import contextlib
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import contract_models
import pytest
import tensorflow as tf
from contract_models import METHODS, classifier, publish
from grpc_server import PredictionService, grpc_serving
from recipe_files import load_recipe
from rest_server import serving

WORDS = tf.TensorSpec((None, None), tf.string, name="tokens")
TEXT = tf.TensorSpec((None,), tf.string, name="text")


def words_model() -> dict[str, Any]:
    """`tokens` tags words with their lengths, `embed` returns vectors."""

    def lengths(words):
        ragged: Any = tf.RaggedTensor
        return ragged.from_tensor(words, padding="")

    @tf.function(input_signature=[WORDS])
    def tokens(tokens):
        words = lengths(tokens)
        count = tf.cast(words.row_lengths(), tf.int32)
        shown = words.to_tensor("")
        return {
            "words": shown,
            "tags": tf.strings.as_string(tf.strings.length(shown)),
            "scores": tf.ones_like(shown, tf.float32),
            "num_tokens": count + 2,
            "truncated": count < 0,
            "width": tf.fill([tf.shape(tokens)[0]], tf.shape(tokens)[1]),
        }

    @tf.function(input_signature=[TEXT])
    def embed(text):
        words = tf.strings.split(text)
        shown = words.to_tensor("")
        # NaN at padding, which must not be used.
        size = tf.cast(tf.strings.length(shown), tf.float32)
        size = tf.where(shown == "", float("nan"), size)
        layers = tf.stack([size, -size, 2 * size], axis=1)[..., tf.newaxis]
        count = tf.cast(words.row_lengths(), tf.int32)
        return {
            "layers": tf.ensure_shape(layers, [None, 3, None, 1]),
            "tokens": shown,
            "pooled": tf.ones([tf.size(text), 2]),
            "num_tokens": count,
            "truncated": count < 0,
        }

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, None), tf.string, name="context_tokens"),
            tf.TensorSpec((None, None), tf.string, name="question_tokens"),
        ]
    )
    def answer(context_tokens, question_tokens):
        return {"context": context_tokens[:, 0], "both": question_tokens[:, 0]}

    @tf.function(input_signature=[TEXT])
    def odd(text):
        return {
            "not_a_number": tf.fill(tf.shape(text), float("nan")),
            "infinite": tf.fill(tf.shape(text), float("-inf")),
        }

    return {
        "serving_default": tokens,
        "tokens": tokens,
        "embed": embed,
        "answer/words": answer,
        "odd": odd,
    }


MODELS = {
    "words": (words_model, None),
    "labels": (classifier, METHODS),
    "masks": (contract_models.masked, None),
    "tags": (contract_models.tagger, None),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved_models")
    for name, (signatures, methods) in MODELS.items():
        made = {
            key.replace("/", "_"): value for key, value in signatures().items()
        }
        publish(folder / name, 1, made, methods)
    return folder


@pytest.fixture(scope="module", params=["rest", "grpc"])
def address(
    request: pytest.FixtureRequest, folder: Path
) -> Iterator[dict[str, str]]:
    """Returns the server of each model."""
    with contextlib.ExitStack() as stack:
        if request.param == "rest":
            url = stack.enter_context(serving(folder)).url
            yield dict.fromkeys(MODELS, url)
        else:
            yield {
                name: stack.enter_context(
                    grpc_serving(PredictionService(name, folder / name / "1"))
                )
                for name in MODELS
            }


class Asked:
    """Runs the recipe with each server."""

    def __init__(self, address: dict, capsys: pytest.CaptureFixture):
        self.address, self.capsys = address, capsys
        self.recipe = load_recipe("query")

    def __call__(self, model: str, *lines: str, **arguments: Any) -> list[dict]:
        recipe = self.recipe
        arguments = {"server": self.address[model], **arguments}
        recipe.main(recipe.Config(model=model, text=lines, **arguments))
        printed = self.capsys.readouterr().out.splitlines()
        # Strict JSON.
        return [json.loads(x, parse_constant=refuse) for x in printed]

    def refusal(self, model: str, *lines: str, **arguments: Any) -> str:
        with pytest.raises(self.recipe.client.QueryError) as caught:
            self(model, *lines, retries=0, **arguments)
        return str(caught.value)


def refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


@pytest.fixture
def ask(address: dict, capsys: pytest.CaptureFixture) -> Asked:
    return Asked(address, capsys)


def test_words_are_filled_up_and_answers_cut(ask: Asked) -> None:
    lines = ("to be", "a", "or  not to be\u3000so")
    found = ask("words", *lines, signature="tokens")
    words = [["to", "be"], ["a"], ["or", "not", "to", "be", "so"]]
    assert [x["inputs"] for x in found] == [{"tokens": row} for row in words]
    outputs = [x["outputs"] for x in found]
    assert [x["words"] for x in outputs] == words
    assert [x["tags"] for x in outputs] == [
        [str(len(word)) for word in row] for row in words
    ]
    assert [len(x["scores"]) for x in outputs] == [2, 1, 5]
    assert [x["width"] for x in outputs] == [5, 5, 5]
    # One width for all requests, of all clients.
    found = ask(
        "words", *lines, width=8, batch_size=1, outputs=("width", "tags")
    )
    assert [x["outputs"]["width"] for x in found] == [8, 8, 8]
    assert [len(x["outputs"]["tags"]) for x in found] == [2, 1, 5]
    assert found[0]["outputs"].keys() == {"width", "tags"}
    assert "5 words, above --width 4" in ask.refusal("words", *lines, width=4)


def test_rows_of_words(ask: Asked) -> None:
    rows = [
        {"tokens": ["a", "", "b"]},
        {"tokens": ["c"]},
        {"tokens": []},
        {"tokens": ["", ""]},
    ]
    lines = [json.dumps(row) for row in rows]
    found = ask("words", *lines, rows=True)
    assert [x["inputs"] for x in found] == rows
    words = [x["outputs"]["words"] for x in found]
    assert words == [["a", "", "b"], ["c"], [], []]
    pairs = [
        {"context_tokens": ["a", "b"], "question_tokens": ["c"]},
        {"context_tokens": ["d"], "question_tokens": ["e", "f", "g"]},
    ]
    found = ask(
        "words",
        *(json.dumps(row) for row in pairs),
        rows=True,
        signature="answer_words",
    )
    assert [x["outputs"] for x in found] == [
        {"context": "a", "both": "c"},
        {"context": "d", "both": "e"},
    ]


def test_vectors_are_cut_by_num_tokens(ask: Asked) -> None:
    lines = ("a bc", "abc a ab", "ab")
    for outputs in ((), ("tokens", "layers"), ("layers",)):
        found = ask("words", *lines, signature="embed", outputs=outputs)
        for one, line in zip(found, lines, strict=True):
            words = line.split()
            sizes = [[len(word)] for word in words]
            layers = one["outputs"]["layers"]
            assert layers[0] == sizes and len(layers) == 3
            assert layers[1] == [[-x] for [x] in sizes]
            assert one["outputs"].get("tokens", words) == words
            if outputs:
                assert one["outputs"].keys() == {*outputs}
            else:
                assert one["outputs"]["pooled"] == [1, 1]


def test_words_for_masks_are_cut(ask: Asked) -> None:
    found = ask("masks", "[MASK] 好 [MASK]", "好", "[MASK]")
    assert [len(x["outputs"]["words"]) for x in found] == [2, 0, 1]
    assert found[2]["outputs"]["words"] == [["水", "火"]]
    assert found[2]["outputs"]["scores"] == [[0.8, 0.15]]


def test_tags_are_cut(ask: Asked) -> None:
    found = ask("tags", "王明", "a", "王 明🙂", outputs=("starts", "words"))
    assert [x["outputs"]["starts"] for x in found] == [
        [0, 1],
        [0],
        [0, 1, 2, 3],
    ]
    assert found[0]["outputs"]["words"] == ["王", "明"]


def test_examples_for_classify_and_regress(ask: Asked) -> None:
    found = ask("labels", "好", "太坏了", signature="classify_examples")
    assert [x["inputs"] for x in found] == [{"text": "好"}, {"text": "太坏了"}]
    assert found[1]["outputs"] == {
        "classes": ["bad", "good"],
        "scores": [pytest.approx(0.9), 0.1],
    }
    found = ask("labels", "山水火", "", "山", signature="regress_examples")
    assert [x["outputs"] for x in found] == [{"outputs": 3.0}, {"outputs": 1.0}]
    # Features of any name, also unused ones.
    rows = ({"text": ["好"], "place": 1.5}, {"text": "坏", "n": [1, 2]})
    lines = [json.dumps(row) for row in rows]
    found = ask("labels", *lines, signature="classify_examples", rows=True)
    assert [x["outputs"]["classes"][0] for x in found] == ["good", "bad"]
    assert found[0]["outputs"]["scores"][0] == 0.9
    assert "text" in ask.refusal(
        "labels", '{"txt": "a"}', signature="classify_examples", rows=True
    )
    assert "must be an object" in ask.refusal(
        "labels", "[1]", signature="classify_examples", rows=True
    )


def test_numbers_that_json_lacks(ask: Asked) -> None:
    found = ask("words", "a", signature="odd")
    assert found[0]["outputs"] == {
        "infinite": "-Infinity",
        "not_a_number": "NaN",
    }


@pytest.mark.parametrize(
    "text", ["", "\n \n", "\ufeff", "\ufeff好\r\n\r\n坏\r\n"]
)
def test_standard_input(
    ask: Asked, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Without lines there is no request, which servers would not answer."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(text, newline=None))
    found = ask("labels")
    expected = ["好", "坏"] if "好" in text else []
    assert [x["inputs"]["text"] for x in found] == expected
