"""Encoders and pretrainers are exported, too, and pairs and answers."""

import json
from pathlib import Path

import pytest
from contracts.random_weights import randomized
from recipe_files import load_recipe
from tiny_encoders import ENCODERS, save_encoders

from keras_ctx import models, serving, text, training

TEXTS = ["the river bank", "好", ""]


def run(tmp_path: Path, model: Path, **options) -> tuple[dict, dict]:
    """What the recipe returns and what it has written down."""
    recipe = load_recipe("export_saved_model")
    lines = tmp_path / "texts.txt"
    lines.write_text("\n".join(TEXTS[:2]) + "\n", encoding="utf-8")
    results = recipe.main(
        recipe.Config(
            model=model, output=tmp_path / "saved", texts=lines, **options
        )
    )
    assert results["difference"] < 1e-5
    return results, json.loads((model / "export.json").read_text("utf-8"))


@pytest.mark.slow  # an export each
@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("kind", ["encoder", "embedder"])
def test_encoders(name: str, kind: str, tmp_path: Path) -> None:
    folder = save_encoders(tmp_path / "runs")[name]
    _, written = run(tmp_path, folder, kind=kind)
    key = "sequence" if kind == "encoder" else "embedding"
    assert all(answer.startswith(key) for answer in written["answers"].values())
    served = serving.answers(tmp_path / "saved", TEXTS)
    assert served[key].shape[0] == 3


@pytest.mark.slow
def test_fill_mask(tmp_path: Path) -> None:
    make_encoder, make_inputs = ENCODERS["bert"]
    model = randomized(models.bert_pretrainer(make_encoder()))
    training.save_model(model, tmp_path / "run" / "pretrainer.keras")
    text.save_inputs(make_inputs(), tmp_path / "run" / "text_inputs.json")
    _, written = run(tmp_path, tmp_path / "run", kind="fill_mask", top_k=2)
    assert all(len(x.split()) == 2 for x in written["answers"].values())


@pytest.mark.slow
@pytest.mark.parametrize("task", ["pair", "answer"])
def test_two_texts(task: str, tmp_path: Path) -> None:
    make_encoder, _ = ENCODERS["elmo"]
    inputs = text.ElmoInputs(8)
    if task == "pair":
        model = models.classifier(make_encoder(), 2)
        lines = "no\nyes\n"
    else:
        model, lines = models.span_extractor(make_encoder()), None
    folder = tmp_path / "run"
    training.save_model(model, folder / "model.keras")
    text.save_inputs(inputs, folder / "text_inputs.json")
    if lines:
        (folder / "labels.txt").write_text(lines)
    training.save_json(
        {"results": {"score": 0.5, "saved": "no figure"}},
        folder / "results.json",
    )
    results, _ = run(tmp_path, folder, pair=task == "pair")
    card = json.loads(
        (Path(results["saved_model"]) / "signature.json").read_text("utf-8")
    )
    assert card["metrics"] == {"score": 0.5}
    assert card["task"] == {"pair": "classify"}.get(task, task)
