"""Files of a run, and what remains if writing fails."""

import json
from pathlib import Path

import keras
import pytest

from keras_ctx import models
from keras_ctx.training import run_callbacks, save_json
from keras_ctx.training import save_model as save


def test_files_are_whole_or_not_there(tmp_path: Path) -> None:
    path = save_json({"path": tmp_path, "名": 0.5}, tmp_path / "a" / "b.json")
    assert json.loads(path.read_text("utf-8")) == {
        "path": str(tmp_path),
        "名": 0.5,
    }
    with pytest.raises(ValueError):  # a cycle cannot be written
        content: dict = {}
        content["self"] = content
        save_json(content, path)
    assert json.loads(path.read_text("utf-8"))["名"] == 0.5
    saved = save(models.bert_tiny(9), tmp_path / "m" / "model.keras")
    assert [p.name for p in saved.parent.iterdir()] == ["model.keras"]
    again = keras.saving.load_model(saved)
    assert again.count_params() == models.bert_tiny(9).count_params()


def test_refused_paths(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`path` must end in `.keras`"):
        save(models.bert_tiny(9), tmp_path / "model.h5")
    (tmp_path / "file").write_text("in the way")
    # Not even root can create a folder in place of a file.
    with pytest.raises(OSError):
        save(models.bert_tiny(9), tmp_path / "file" / "model.keras")
    with pytest.raises(OSError):
        run_callbacks(tmp_path / "file" / "run")
