"""Written JSON is strictly valid, and figures are read back unchanged."""

import json
import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_ctx.files.json_text import json_text, load_json, read_figures
from keras_ctx.training import (
    DevelopmentScore,
    RunLog,
    begin_run,
    over_seeds,
    read_metrics,
    save_json,
)


def strict(text: str) -> Any:
    """Parses strict JSON, which Python does not by default."""

    def refuse(token: str):
        raise AssertionError(f"{token} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_not_a_number_is_null_and_infinity_a_string() -> None:
    content = {
        "nested": [{"a": math.nan}, (math.inf, -math.inf)],
        "numpy": np.array([0.5, np.nan], "float32"),
        "scalars": [np.float32(0.25), np.int64(3), np.bool_(True)],
        "path": Path("a") / "b",
        "text": "名",
    }
    for indent in (None, 2):
        assert strict(json_text(content, indent)) == {
            "nested": [{"a": None}, ["Infinity", "-Infinity"]],
            "numpy": [0.5, None],
            "scalars": [0.25, 3, True],
            "path": "a/b",
            "text": "名",
        }


def test_figures_come_back() -> None:
    figures = {"a": math.nan, "b": [math.inf, -math.inf], "c": 0.1, "d": 3}
    assert repr(read_figures(json_text(figures))) == repr(figures)
    # As in earlier versions.
    assert repr(read_figures(json.dumps(figures))) == repr(figures)


def test_results_of_a_run(tmp_path: Path) -> None:
    path = save_json({"pearson": math.nan}, tmp_path / "results.json")
    assert strict(path.read_text()) == {"pearson": None}


def test_settings_without_bound_are_resumed(tmp_path: Path) -> None:
    for _ in range(2):
        begin_run(tmp_path, {"clip_norm": math.inf, "rate": math.nan})
    strict((tmp_path / "settings.json").read_text())
    with pytest.raises(ValueError, match="clip_norm"):
        begin_run(tmp_path, {"clip_norm": 1.0, "rate": math.nan})


def test_lines_of_a_run(tmp_path: Path) -> None:
    """The perplexity of a loss of 800 nats, and a metric that is NaN."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])

    def undefined(y_true, y_pred):
        return 0 * y_pred + math.nan

    model.compile(
        "sgd",
        keras.losses.MeanAbsoluteError(),
        metrics=[undefined],
        jit_compile=False,
    )
    x = np.zeros((1, 1), "float32")
    for _ in range(2):  # the second reads the file of the first
        log = RunLog(tmp_path, every_steps=1, perplexity_of=["loss"])
        model.fit(x, x + 800, callbacks=[log], verbose=0)
        lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
        assert len(lines) == 2
        for line in map(strict, lines):
            assert line["undefined"] is None
            assert line["perplexity"] == "Infinity"
        for line in read_metrics(tmp_path):
            assert math.isnan(line["undefined"])
            assert line["perplexity"] == math.inf


def test_scores_of_seeds(tmp_path: Path) -> None:
    scores = {0: math.nan, 1: math.inf, 2: 0.5}
    runs = []

    def run(seed: int, folder: Path) -> dict[str, float]:
        runs.append(seed)
        return {"pearson": scores[seed], "f1": 0.5}

    for _ in range(2):  # the second reads all of them
        found = over_seeds(run, (0, 1, 2), tmp_path, {})
        assert repr(found["pearson"]["seeds"]) == repr([*scores.values()])
        assert math.isnan(found["pearson"]["mean"])
        assert math.isnan(found["pearson"]["spread"])
        assert found["f1"] == {"mean": 0.5, "spread": 0, "seeds": [0.5] * 3}
    assert runs == [0, 1, 2]
    for path in tmp_path.rglob("*.json"):
        strict(path.read_text())


def test_development_scores(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=False)
    score: Any = lambda: np.float32(0.5)  # noqa: E731
    best = DevelopmentScore(score, "f1", tmp_path)
    x = np.zeros((1, 1), "float32")
    model.fit(x, x, callbacks=[best], verbose=0)
    path = tmp_path / "development_f1.json"
    assert strict(path.read_text()) == {"scores": [0.5]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "a": 1}', "'a' stands twice .*: line 1 column 10"),
        # Escaped, after braces in strings, and nested.
        (
            '[{"a": "{\\"a\\": "},\n {"b": [{"\\u0061": 1,\n"a": 2}]}]',
            "line 3 col",
        ),
        ('{"a": {"a": 1}, "b": {},\n "b" : 2}', "'b' .* line 2 column 2"),
        ("[" * 100_000, "nested too deeply"),
        ("{", "Expecting property name"),
    ],
)
def test_json_that_is_refused(text: str, message: str) -> None:
    with pytest.raises(json.JSONDecodeError, match=message):
        load_json(text)


def test_json_with_no_key_twice_in_one_object() -> None:
    text = '[{"a": {"a": [{"a": "a"}]}, "b\\"": "}{"}, {"a": NaN}, []]'
    assert repr(load_json(text)) == repr(json.loads(text))
