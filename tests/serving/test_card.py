"""The README.md of a version: correct, in the model's language, runnable."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from served_models import SENTIMENTS, Case

from keras_ctx import models, serving
from keras_ctx.serving.card.example_texts import example_of
from keras_ctx.serving.card.readme import readme
from keras_ctx.text import BertInputs, ElmoInputs, WordInputs

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
DIGEST = "0123456789abcdef" * 4


def python_of(version: Path) -> str:
    page = (version / "README.md").read_text("utf-8")
    return page.split("```python\n")[1].split("```")[0]


def run(code: str, version: Path) -> str:
    """Returns the output of code in the folder, without this library."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    finished = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=version,
        env=environment,
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    return finished.stdout


@pytest.mark.slow
def test_what_the_page_says_runs(
    exported: Callable[[str], tuple[Case, Path]],
) -> None:
    _, version = exported("bert_classifier")
    code = python_of(version)
    assert "import tensorflow_text" in code
    lines = run(code, version).splitlines()
    assert {line.split()[0] for line in lines} >= {"labels", "scores"}
    page = (version / "README.md").read_text("utf-8")
    assert "with only `tensorflow` and `tensorflow_text`" in page
    assert ", ".join(f"`{label}`" for label in SENTIMENTS) in page


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "elmo_classifier",
        "elmo_word_encoder",
        "bert_pair_regressor",
        "bert_span_extractor",
        "bert_pretrainer",
        "bert_crf_tagger",
    ],
)
def test_what_the_page_says_runs_for(
    name: str, exported: Callable[[str], tuple[Case, Path]]
) -> None:
    _, version = exported(name)
    code = python_of(version)
    assert run(code, version)
    card = json.loads((version / "signature.json").read_text("utf-8"))
    if "tensorflow_text" in card["python_imports"]:
        # The statement is needed.
        lines = [x for x in code.splitlines() if "tensorflow_text" not in x]
        with pytest.raises(AssertionError, match="(?i)op type not registered"):
            run("\n".join(lines), version)


CHINESE = BertInputs([*SPECIAL, *"好书天气"], 16, split="character")
ENGLISH = BertInputs([*SPECIAL, "good", "book", "##s", "天"], 16)


@pytest.mark.parametrize(
    ("inputs", "is_chinese"),
    [
        (CHINESE, True),
        (ENGLISH, False),
        (ElmoInputs(split="character"), True),
        (ElmoInputs(), False),
        (WordInputs(["<S>", "</S>", "<UNK>", "北京", "天气"]), True),
        (WordInputs(["<S>", "</S>", "<UNK>", "Beijing"]), False),
    ],
)
def test_language_and_shape_of_the_example(
    inputs: Any, is_chinese: bool
) -> None:
    for task, names in (
        ("classify", ["text", "second_text"]),
        ("answer", ["question", "context"]),
        ("fill_mask", ["text"]),
    ):
        example = example_of(task, names, inputs)
        assert list(example) == names
        for [text] in example.values():
            assert any("\u4e00" <= x <= "\u9fff" for x in text) == is_chinese
            assert ("[MASK]" in text) == (task == "fill_mask")


@pytest.mark.slow
def test_several_labels_figures_and_data(tmp_path: Path) -> None:
    keras.utils.set_random_seed(3)
    model = models.classifier(models.bert_encoder(9, 1, 2, 8, 16, 16), 3)
    logits = [2.0, -1.0, 3.0]
    model.get_layer("logits").set_weights([np.zeros((8, 3)), np.array(logits)])
    version = serving.export(
        model,
        CHINESE,
        tmp_path,
        ["sport", "arts", "news"],
        multi_label=True,
        metrics={"micro F1": 0.75, "a|b": 1.0},
        measured_on="held_out.tsv",
        training_data={"train": DIGEST},
        notes=["Texts begin with `query: `,\n- always."],
    )
    answer = serving.answers(tmp_path, ["好", "书"])
    assert answer["labels"].tolist() == [["news", "sport", "arts"]] * 2
    right = 1 / (1 + np.exp(-np.array([3.0, 2.0, -1.0])))
    np.testing.assert_allclose(answer["scores"], [right] * 2, rtol=1e-6)
    page = (version / "README.md").read_text("utf-8")
    assert "| micro F1 | 0.75 | held_out.tsv |" in page
    assert "| a\\|b | 1 | held_out.tsv |" in page
    assert f"| train | `{DIGEST}` |" in page
    assert "\n- Texts begin with `query: `, - always.\n- A text of" in page
    assert "`sport`, `arts`, `news`. A text may have several" in page
    card = json.loads((version / "signature.json").read_text("utf-8"))
    assert readme(card) == page
    assert card["multi_label"] and card["agreement"]["share"] <= 1


def test_refused(tmp_path: Path) -> None:
    encoder = models.bert_encoder(9, 1, 2, 8, 16, 16)
    model = models.classifier(encoder, 2)
    wrong: list[tuple[keras.Model, dict[str, Any], str]] = [
        (model, {"multi_label": True}, "`multi_label` needs `labels`"),
        (
            models.tagger(encoder, 2),
            {"multi_label": True, "labels": ["a", "b"]},
            "`multi_label` is for a model that classifies.*'tag'",
        ),
        (model, {"notes": "one"}, "`notes` must be a list"),
        (model, {"notes": [""]}, "`notes` must be a list"),
        (model, {"measured_on": "a\nb"}, "`measured_on` must be a line"),
        (
            model,
            {"training_data": {"train": "abc"}},
            "`training_data` must be SHA-256.*train='abc'",
        ),
    ]
    for one, arguments, message in wrong:
        with pytest.raises(ValueError, match=message):
            serving.export(one, CHINESE, tmp_path / "m", **arguments)
    assert not (tmp_path / "m").exists()
