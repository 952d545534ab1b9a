"""Heads of published checkpoints, compared with NumPy by hand."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from bert_files import (
    LENGTHS,
    D,
    H,
    L,
    V,
    arrays,
    as_google,
    as_torch,
    batch,
    close,
    config,
    write_checkpoint,
    write_huggingface,
    write_json,
)
from parity import bert_numpy

from keras_ctx import convert, text

WORDS = [f"w{i}" for i in range(V - 5)]
VOCABULARY = [*text.SPECIAL_TOKENS, *WORDS]
CLASSIFIER = "BertForSequenceClassification"
TAGGER = "BertForTokenClassification"
READER = "BertForQuestionAnswering"


def head(rows: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(3)
    return {
        "weight": generator.normal(size=(rows, D)).astype("float32"),
        "bias": generator.normal(size=rows).astype("float32"),
    }


def write(
    folder: Path,
    rows: int,
    architecture: str | None,
    name: str = "classifier",
    without: str | None = None,
    **content: Any,
) -> Path:
    named = arrays()
    if without:
        named = {k: v for k, v in named.items() if not k.startswith(without)}
    tensors = as_torch(named, "bert.")
    tensors["bert.embeddings.position_ids"] = np.arange(9)[None]
    tensors |= {f"{name}.{key}": x for key, x in head(rows).items()}
    if architecture is not None:
        content["architectures"] = [architecture]
    write_huggingface(folder, tensors, config(**content))
    (folder / "vocab.txt").write_text("".join(f"{x}\n" for x in VOCABULARY))
    write_json(folder / "tokenizer_config.json", {"do_lower_case": True})
    return folder


def layers_and_pooled(row: int) -> tuple[Any, Any]:
    inputs, length = batch(), LENGTHS[row]
    return bert_numpy.encoder(
        {
            "pooler/dense/kernel": np.eye(D),
            "pooler/dense/bias": np.zeros(D),
            **arrays(),
        },
        inputs["token_ids"][row, :length],
        inputs["segment_ids"][row, :length],
        L,
        H,
        "gelu",
        norm_first=False,
    )


def check_classifier(model: keras.Model, rows: int) -> None:
    """logits = W tanh(W_p h_0 + b_p) + b, from the last layer's h_0."""
    numbers, named = head(rows), arrays()
    found = model(batch())["logits"]
    for row in range(len(LENGTHS)):
        first = layers_and_pooled(row)[0][-1][0]
        pooled = np.tanh(
            first @ named["pooler/dense/kernel"] + named["pooler/dense/bias"]
        )
        close(found[row], numbers["weight"] @ pooled + numbers["bias"])


def check_tokens(outputs: dict, rows: int, keys: tuple[str, ...]) -> None:
    numbers = head(rows)
    for row, length in enumerate(LENGTHS):
        last = np.asarray(layers_and_pooled(row)[0][-1])
        logits = last @ numbers["weight"].T + numbers["bias"]
        if keys == ("logits",):
            close(outputs["logits"][row, :length], logits)
            continue
        for place, key in enumerate(keys):
            close(outputs[key][row, :length], logits[:, place])


@pytest.mark.quick("content0-*", "content4-*", "content5-*", "content9-*")
@pytest.mark.parametrize(
    ("content", "rows", "kind", "labels"),
    [
        # Like textattack's: without labels.
        ({"finetuning_task": "sst-2"}, 2, "classification", "LABEL_0 LABEL_1"),
        (
            {"id2label": {"0": "NEGATIVE", "1": "POSITIVE"}},
            2,
            "classification",
            "NEGATIVE POSITIVE",
        ),
        # The order of the keys is not that of the classes.
        (
            {"id2label": {"2": "neutral", "10": "k", "0": "a"}}
            | {"num_labels": None},
            11,
            "classification",
            "a LABEL_1 neutral LABEL_3 LABEL_4 LABEL_5 LABEL_6 LABEL_7 "
            "LABEL_8 LABEL_9 k",
        ),
        ({"label2id": {"b": 1, "a": 0}}, 2, "classification", "a b"),
        ({"id2label": {"0": 1, "1": 5}}, 2, "classification", "1 5"),
        (
            {
                "problem_type": "multi_label_classification",
                "id2label": {"0": "toxic", "1": "insult", "2": "threat"},
            },
            3,
            "multi_label",
            "toxic insult threat",
        ),
        (
            {
                "problem_type": "multi_label_classification",
                "id2label": {"0": "toxic"},
            },
            1,
            "multi_label",
            "toxic",
        ),
        # A cross-encoder; a regressor.
        ({"id2label": {"0": "LABEL_0"}}, 1, "regression", ""),
        ({"problem_type": "regression"}, 1, "regression", ""),
        ({"problem_type": "regression"}, 3, "regression", ""),
    ],
)
@pytest.mark.filterwarnings("ignore:.*has no label for")
def test_classifiers(
    content: dict, rows: int, kind: str, labels: str, tmp_path: Path
) -> None:
    folder = write(tmp_path / "bert", rows, CLASSIFIER, **content)
    found = convert.load_task_model(folder)
    assert found.kind == kind
    assert found.labels == tuple(labels.split())
    assert found.text_inputs(["w0 w3"])["token_ids"].shape == (1, 4)
    check_classifier(found.model, rows)


def test_a_name_that_is_missing_is_said(tmp_path: Path) -> None:
    folder = write(tmp_path, 3, CLASSIFIER, id2label={"0": "a", "2": "c"})
    with pytest.warns(UserWarning, match="1 of the 3 .* such as LABEL_1") as w:
        found = convert.load_task_model(folder)
    assert found.labels == ("a", "LABEL_1", "c")
    assert [x.filename for x in w if "LABEL_1" in str(x.message)] == [__file__]


def test_token_classifier(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    names = {"0": "O", "1": "B-PER", "2": "I-PER"}
    folder = write(tmp_path, 3, TAGGER, without="pooler", id2label=names)
    found = convert.load_task_model(folder, max_length=7)
    assert found.kind == "tagging" and found.labels == ("O", "B-PER", "I-PER")
    assert found.text_inputs.max_length == 7
    check_tokens(found.model(batch()), 3, ("logits",))
    # It has no pooler because it uses none.
    assert not [x for x in recwarn if "pooler" in str(x.message)]


def test_question_answering(tmp_path: Path) -> None:
    folder = write(tmp_path, 2, READER, "qa_outputs", without="pooler")
    found = convert.load_task_model(folder)
    assert found.kind == "question_answering" and found.labels == ()
    outputs = found.model(batch())
    check_tokens(outputs, 2, ("start_logits", "end_logits"))
    with pytest.raises(ValueError, match="`labels` must be left out"):
        convert.load_task_model(folder, labels=["a", "b"])


@pytest.mark.parametrize(
    ("scope", "rows"), [("", 3), ("cls/squad/", 2)], ids=["class", "squad"]
)
def test_heads_of_google(scope: str, rows: int, tmp_path: Path) -> None:
    numbers = head(rows)
    named = as_google(arrays())
    named[f"{scope}output_weights"] = numbers["weight"]
    named[f"{scope}output_bias"] = numbers["bias"]
    for name in ("bert/pooler/dense/bias", f"{scope}output_bias"):
        named |= {f"{name}/adam_{x}": named[name] for x in "mv"}
    named["global_step"] = np.array(9)
    folder = write_checkpoint(tmp_path / "uncased", named, "model.ckpt-9")
    write_json(folder / "bert_config.json", config(hidden_act="relu"))
    (folder / "vocab.txt").write_text("".join(f"{x}\n" for x in VOCABULARY))
    found = convert.load_task_model(folder)
    kernel, bias = found.model.get_layer("logits").get_weights()
    np.testing.assert_array_equal(kernel, numbers["weight"].T)
    np.testing.assert_array_equal(bias, numbers["bias"])
    expected = ("classification", ("LABEL_0", "LABEL_1", "LABEL_2"))
    if scope:
        expected = ("question_answering", ())
    assert (found.kind, found.labels) == expected
    if not scope:
        found = convert.load_task_model(folder, "tagging", ["O", "B", "I"])
        assert (found.kind, found.labels) == ("tagging", ("O", "B", "I"))


def test_dropout_of_the_head(tmp_path: Path) -> None:
    rates: dict[str, Any] = {
        "hidden_dropout_prob": 0.3,
        "classifier_dropout": 0.2,
    }
    folder = write(tmp_path, 2, CLASSIFIER, **rates)
    model = convert.load_task_model(folder).model
    assert model.get_layer("dropout").rate == 0.2
    write_json(folder / "config.json", config(hidden_dropout_prob=0.3))
    model = convert.load_task_model(folder, "classification").model
    assert model.get_layer("dropout").rate == 0.3


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"architecture": "BertModel"},
            "`task` must be .*may belong to either",
        ),
        ({"architecture": None}, "`task` must be .*config.json does not tell"),
        (
            {"architecture": "BertForMultipleChoice", "rows": 1},
            "head of a task.*BertForMultipleChoice",
        ),
        ({"name": "classifier.out_proj"}, "head of a task.*out_proj"),
        ({"name": "cls"}, "head of a task.*only an encoder"),
        ({"name": "crf"}, "head of a task.*crf.bias"),
        (
            {"without": "pooler"},
            "(?s)do not fit the head.*missing: bert.pooler",
        ),
        (
            {"id2label": {"0": "a", "1": "b", "2": "c"}},
            r"config\.json: `id2label` must name the classes 0 to 1",
        ),
        ({"id2label": {"zero": "a"}}, "`id2label` must name the classes"),
        ({"id2label": {"0": "a", "1": "a"}}, "'a' for several"),
        ({"num_labels": 3}, "`num_labels` must be that of the head, 2"),
        ({"problem_type": "ranking"}, "`problem_type`.*'ranking'"),
        ({"classifier_dropout": "0.1"}, r"config\.json: `classifier_dropout`"),
        ({"classifier_dropout": 1.5}, r"config\.json: `classifier_dropout`"),
        (
            {"architecture": READER, "name": "qa_outputs", "rows": 3},
            r"(?s)do not fit the head.*qa_outputs.weight.*\(2, 8\).*\(3, 8\)",
        ),
    ],
)
def test_what_is_no_head_is_refused(
    options: dict, told: str, tmp_path: Path
) -> None:
    options = {"rows": 2, "architecture": CLASSIFIER, **options}
    folder = write(tmp_path, **options)
    with pytest.raises(ValueError, match=told):
        convert.load_task_model(folder)


def test_arguments_and_arrays_beside_the_head(tmp_path: Path) -> None:
    folder = write(tmp_path, 2, CLASSIFIER)
    with pytest.raises(ValueError, match="`task` must be one of"):
        convert.load_task_model(folder, "ranking")  # type: ignore
    with pytest.raises(ValueError, match="must fit the head"):
        convert.load_task_model(folder, "question_answering")
    with pytest.raises(ValueError, match="`labels` must name each of the 2"):
        convert.load_task_model(folder, labels=["a"])
    found = convert.load_task_model(folder, labels=["no", "yes"])
    assert found.labels == ("no", "yes")
    # Otherwise, a CRF over a token classifier would be ignored silently.
    tensors = as_torch(arrays(), "bert.")
    tensors |= {f"classifier.{key}": x for key, x in head(2).items()}
    tensors["crf.transitions"] = np.zeros((2, 2), "float32")
    content = config(architectures=[TAGGER])
    write_huggingface(folder, tensors, content)
    with pytest.raises(ValueError, match=r"no arrays but.*crf\.transitions"):
        convert.load_task_model(folder)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        convert.load_task_model(tmp_path / "nowhere")
