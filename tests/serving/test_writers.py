"""Signatures that write texts: settings, rows, odd texts, refusals."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from contracts.random_weights import randomized
from cpp_server import serve
from keras_writers import generate as by_numpy
from served_models import Case

from keras_ctx import models, serving
from keras_ctx.generation import Generator
from keras_ctx.serving import GenerateSettings, TranslateSettings
from keras_ctx.serving.export.sample_requests import sample_requests
from keras_ctx.serving.signatures.build import signatures
from keras_ctx.serving.verify.expectation import expectation
from keras_ctx.serving.verify.searched_rows import changed_rows, without_rows
from keras_ctx.serving.verify.witness import Witness
from keras_ctx.text import (
    SPECIAL_TOKENS,
    BertInputs,
    GPTInputs,
    SentencePieceInputs,
    byte_letters,
    sentence_piece_model,
)

TOKENS = [*byte_letters(), "he", "Ġhe", "<|endoftext|>"]
INPUTS = GPTInputs(TOKENS, ["h e", "Ġ he"], max_length=32)
SETTINGS = GenerateSettings(max_length=24, seed=4)
Ask = Callable[..., dict[str, Any]]


def gpt(**sizes: Any) -> Any:
    encoder = models.gpt_encoder(len(TOKENS), 1, 2, 8, 16, max_length=32)
    return randomized(models.causal_language_model(encoder))


def function_of(signature: Any) -> Ask:
    run = tf.function(
        signature.function, input_signature=list(signature.inputs.values())
    )

    def ask(**inputs: Any) -> dict[str, Any]:
        tensors = [
            tf.constant(inputs[name], spec.dtype)
            if name in inputs
            else signature.defaults[name]
            for name, spec in signature.inputs.items()
        ]
        return {key: x.numpy() for key, x in run(*tensors).items()}

    return ask


@pytest.fixture(scope="module")
def case() -> Case:
    return Case(gpt(), INPUTS, "generate", None, {"writing": SETTINGS})


@pytest.fixture(scope="module")
def generate(case: Case) -> Ask:
    made = signatures(*(case.model, INPUTS, None, False, 5), writing=SETTINGS)
    assert list(made) == ["generate", "serving_default", "features", "embed"]
    return function_of(made["generate"])


@pytest.fixture(scope="module")
def translate() -> tuple[Ask, Ask, SentencePieceInputs]:
    texts = ["a cat sat on a mat", "the mat is here"] * 9
    inputs = SentencePieceInputs(sentence_piece_model(texts, 30), 12)
    encoder = models.transformer_encoder(
        inputs.vocabulary_size, 1, 2, 8, 16, max_length=12
    )
    made = signatures(
        randomized(models.encoder_decoder(encoder)),
        *(inputs, None, False, 5),
        writing=TranslateSettings(2, max_length=8, num_returned=2),
    )
    assert list(made) == [
        *("translate", "serving_default", "align", "features", "embed")
    ]
    return function_of(made["translate"]), function_of(made["align"]), inputs


def test_texts_are_those_of_a_plain_search(case: Case, generate: Ask) -> None:
    found = generate(**ASKED)
    check_texts(case, found)
    assert found["texts"].shape == (4, 3)
    # A row alone is the same: its seed does not depend on its place.
    alone = generate(**{key: x[2:3] for key, x in ASKED.items()})
    np.testing.assert_array_equal(alone["texts"][0], found["texts"][2, :2])


def check_texts(case: Case, found: dict[str, Any]) -> None:
    for key, x in by_numpy(case, ASKED).items():
        if key == "scores":
            np.testing.assert_allclose(found[key], x, rtol=1e-5, atol=1e-5)
        else:
            np.testing.assert_array_equal(found[key], x, key)


@pytest.mark.slow
def test_the_same_without_python(
    case: Case, serve_requests: Path, tmp_path: Path
) -> None:
    version = serving.export(
        case.model, INPUTS, tmp_path, writing=SETTINGS, check_texts=["he"]
    )
    alone = {"prompt": ASKED["prompt"]}
    missing = {"prompt": ASKED["prompt"], "seed": np.array([5], np.int32)}
    cold = {**alone, "temperature": np.array([0.0], np.float32)}
    run = serve(
        serve_requests,
        version,
        [
            ("generate", ASKED),
            ("serving_default", alone),
            ("generate", missing),
            ("generate", {**missing, "seed": np.array([4], np.int32)}),
            ("generate", cold),
        ],
    )
    assert run.status == 0, run.log
    found, default, other, same, refused = run.answers
    assert isinstance(found, dict) and isinstance(default, dict)
    assert isinstance(other, dict) and isinstance(same, dict)
    check_texts(case, found)
    np.testing.assert_array_equal(same["texts"], default["texts"])
    assert (other["texts"] != default["texts"]).any()
    assert "`temperature` must be above 0" in str(refused)


ASKED = {
    "prompt": np.array([b"he he", b"", b"\xff\xfe", "东京 🙂".encode()]),
    "max_length": np.array([12, 6, 14, 24], np.int32),
    "temperature": np.array([1.0, 0.5, 2.0, 1.0], np.float32),
    "top_k": np.array([1, 400, 7, 30], np.int32),
    "top_p": np.array([1.0, 0.9, 0.8, 1.0], np.float32),
    "seed": np.array([1, -2, 3, 2**31 - 1], np.int32),
    "num_samples": np.array([1, 3, 2, 1], np.int32),
}


def test_settings_are_for_all_rows_and_have_defaults(generate: Ask) -> None:
    found = generate(prompt=["he", "he"], num_samples=[2])
    assert (found["texts"][0] == found["texts"][1]).all()
    assert found["texts"][0, 0] != found["texts"][0, 1]
    again = generate(prompt=["he"], seed=[4], max_length=[24])
    assert again["texts"][0, 0] == found["texts"][0, 0]
    other = generate(prompt=["he"], seed=[5])
    assert other["texts"][0, 0] != found["texts"][0, 0]


def test_no_rows(generate: Ask) -> None:
    found = generate(prompt=np.array([], object))
    assert {len(x) for x in found.values()} == {0}


@pytest.mark.quick("settings0-*", "settings8-*", "settings14-*")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": [0.0]}, r"`temperature` must be above 0.* \[0"),
        ({"temperature": [1.0, -2.0]}, r"`temperature` must .*\[-2\]"),
        ({"temperature": [np.nan]}, "`temperature` must be above 0"),
        ({"temperature": [np.inf]}, "`temperature` must be above 0"),
        ({"top_k": [0]}, "`top_k` must be at least 1"),
        ({"top_p": [0.0]}, "`top_p` must be above 0 and at most 1"),
        ({"top_p": [1.5]}, r"`top_p` must be above 0 and at most 1.*\[1.5"),
        ({"num_samples": [0]}, "`num_samples` must be from 1 to 16"),
        ({"num_samples": [17]}, r"`num_samples` must be from 1 to 16.*\[17"),
        ({"max_length": [33]}, r"`max_length` must be from 2 to 32.*\[33"),
        ({"max_length": [1]}, r"`max_length` must be from 2 to 32.*\[1"),
        ({"temperature": [1e-35]}, "`temperature` must be above 0"),
        ({"seed": [1, 2, 3]}, r"`seed` must have 1 value.*Rows:. .2. .*3"),
        ({"seed": []}, r"`seed` must have 1 value"),
        ({"max_length": [3, 2]}, r"`prompt` must have fewer .*\[2\]\s*\[2\]"),
    ],
)
def test_settings_out_of_range_are_refused(
    generate: Ask, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        generate(prompt=["h", "h"], **settings)


def test_a_long_prompt_is_refused_with_its_length(generate: Ask) -> None:
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"`prompt` must .*\[10001\].*24"
    ):
        generate(prompt=["a" * 10_000])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 0}, "`temperature` must be"),
        ({"top_k": 0}, "`top_k` must be"),
        ({"seed": 2**31}, "`seed` must be an integer of 32 bits"),
        ({"num_samples": 20}, "`most_samples` must be at least 20"),
    ],
)
def test_wrong_defaults(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GenerateSettings(**settings)


@pytest.mark.slow
def test_a_window_reads_the_last_tokens(case: Case) -> None:
    made = signatures(
        *(case.model, INPUTS, None, False, 5),
        writing=GenerateSettings(max_length=20, window=9, seed=3),
    )
    ask = function_of(made["generate"])
    long = "the way of the old house, " * 400  # beyond all positions
    found = ask(prompt=[long, "the way", long])
    assert found["num_tokens"].tolist()[0] == found["num_tokens"].tolist()[2]
    ids = INPUTS.encode([long]).to_list()[0][-9:]
    greedy = Generator(case.model, 20, end_ids=[INPUTS.end_id])
    witness = greedy(
        {"token_ids": [ids], "padding_mask": [[True] * 9]}
    ).token_ids[0]
    real = (witness >= 0) & (witness != INPUTS.end_id)
    best = ask(prompt=[long], top_k=[1])["texts"][0].tolist()
    assert best == INPUTS.decode(witness, real).numpy().tolist()
    with pytest.raises(tf.errors.InvalidArgumentError, match="fewer tokens"):
        ask(prompt=[long], max_length=[9])


@pytest.mark.slow
def test_translations(translate: tuple[Ask, Ask, Any]) -> None:
    ask, _, _ = translate
    texts = ["a cat sat", " ", "a cat sat on a mat, " * 9, ""]
    found = ask(text=texts, length_penalty=[0.6, 0.0, 1.0, 0.0])
    assert found["truncated"].tolist() == [False, False, True, False]
    assert found["num_tokens"][[1, 3]].tolist() == [[0, 0]] * 2
    assert found["texts"][[1, 3]].tolist() == [[b"", b""]] * 2
    assert (found["num_tokens"][[0, 2]] > 0).all()
    assert (found["scores"][:, 0] >= found["scores"][:, 1]).all()
    for row in (0, 2):
        alone = ask(text=texts[row : row + 1], length_penalty=[0.6 + row * 0.2])
        assert alone["texts"][0].tolist() == found["texts"][row].tolist()
    with pytest.raises(tf.errors.InvalidArgumentError, match="from 2 to 12"):
        ask(text=["a"], max_length=[13])
    with pytest.raises(tf.errors.InvalidArgumentError, match="from 2 to 12"):
        ask(text=["a"], max_length=[1])
    with pytest.raises(tf.errors.InvalidArgumentError, match="a number"):
        ask(text=["a"], length_penalty=[np.nan])


def test_alignments_sum_to_one(translate: tuple[Ask, Ask, Any]) -> None:
    _, align, inputs = translate
    found = align(text=["a cat", "the mat"], translation=["mat", "a " * 40])
    weights = found["weights"]
    assert weights.shape[:2] == (2, 1) and weights.shape[2] == 12
    there = found["target_tokens"] != b""
    np.testing.assert_allclose(weights.sum(-1)[:, 0], there, atol=1e-6)
    assert found["source_tokens"][0].tolist()[-1] in (b"</s>", b"")
    assert inputs.end_id is not None
    with pytest.raises(tf.errors.InvalidArgumentError, match="must have a row"):
        align(text=["a"], translation=["a", "b"])


def test_rows_that_a_search_can_lose() -> None:
    one = {"texts": np.array([["a"], ["b"]]), "scores": np.ones((2, 1))}
    other = {"texts": np.array([["a"], ["c"]]), "scores": np.zeros((2, 1))}
    rows = changed_rows(one, other)
    assert rows.tolist() == [False, True]
    kept = without_rows(other, one, rows)
    assert kept["texts"].tolist() == [["a"], ["b"]]
    assert kept["scores"].tolist() == [[0.0], [1.0]]
    numbers = without_rows(other, one, rows, numbers=True)
    assert numbers["texts"].tolist() == [["a"], ["c"]]
    assert numbers["scores"].tolist() == [[0.0], [1.0]]


@pytest.mark.slow
def test_two_equal_tokens_are_not_compared() -> None:
    model = gpt()
    table = model.get_layer("embeddings").weights[0]
    rows = np.array(table)
    rows[:] = rows[5]  # all tokens are equally good
    table.assign(rows)
    made = signatures(model, INPUTS, None, False, 5, writing=SETTINGS)
    requests = sample_requests(made, model, INPUTS, ["he", "a"])
    found = expectation(
        model,
        Witness(
            lambda outputs: signatures(
                model, INPUTS, None, False, 5, None, False, outputs, SETTINGS
            ),
            INPUTS,
        ),
        requests,
    )
    undecided = {
        name: rows
        for (name, _), rows in zip(requests, found.undecided, strict=True)
    }
    assert undecided["generate"] is not None and undecided["generate"].all()
    assert undecided["features"] is None


def bert() -> Any:
    return models.classifier(models.bert_encoder(7, 1, 2, 8, 16, 16), 2)


@pytest.mark.parametrize(
    ("model", "inputs", "writing", "message"),
    [
        (bert, BertInputs([*SPECIAL_TOKENS, "a", "b"], 16), SETTINGS, "causal"),
        (gpt, INPUTS, TranslateSettings(), "`writing` must be GenerateSetting"),
        (gpt, INPUTS, GenerateSettings(max_length=33), "from 2 to 32"),
        (gpt, INPUTS, GenerateSettings(max_length=1), "from 2 to 32"),
        (gpt, INPUTS, GenerateSettings(window=32), "from 1 to 31"),
        (gpt, INPUTS, GenerateSettings(window=0), "from 1 to 31"),
    ],
)
def test_settings_of_another_model_are_refused(
    model: Any, inputs: Any, writing: Any, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        serving.export(model(), inputs, tmp_path / "m", writing=writing)
    assert not (tmp_path / "m").exists()


def test_a_translator_needs_a_start_token(tmp_path: Path) -> None:
    texts = ["a cat sat on a mat"] * 9
    inputs = SentencePieceInputs(sentence_piece_model(texts, 24), 12)
    encoder = models.transformer_encoder(24, 1, 2, 8, 16, max_length=12)
    model = models.encoder_decoder(encoder)
    with pytest.raises(ValueError, match="vocabulary that the decoder"):
        serving.export(
            model, inputs, tmp_path, writing=TranslateSettings(start_id=99)
        )
    inputs.begin_id = -1
    with pytest.raises(ValueError, match="`writing.start_id` must be given"):
        serving.export(model, inputs, tmp_path)
