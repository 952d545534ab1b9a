"""cloze.py: which names, which gaps, and the files that it writes."""

import json
from pathlib import Path

import numpy as np
import pytest
from contracts.random_weights import randomized
from recipe_files import load_recipe

from keras_ctx import evaluation, models, text, training
from keras_ctx.predictions.candidate_ranker import CandidateRanker, Gap

TEXTS = {
    "character": (
        "他 O\n在 O\n北 B-LOC\n京 I-LOC\n。 O\n\n上 B-LOC\n海 I-LOC\n龙 B-PER\n"
    ),
    "wordpiece": "New B-LOC\nYork I-LOC\nis O\n\nRome B-LOC\nDragon B-PER\n",
}
GAPS = {
    "character": [Gap("他在", "。", "北京"), Gap("", "龙", "上海")],
    "wordpiece": [Gap("", "is", "New York"), Gap("", "Dragon", "Rome")],
}
TOKENS = {
    "character": list("他在北京。上海"),
    "wordpiece": ["new", "york", "is", "ro", "##me"],
}


@pytest.fixture(params=["character", "wordpiece"])
def folder(request, tmp_path: Path) -> Path:
    folder = tmp_path / request.param
    tokens = [*text.SPECIAL_TOKENS, *TOKENS[request.param]]
    inputs = text.BertInputs(tokens, 12, split=request.param)
    encoder = models.bert_encoder(len(tokens), 1, 2, 8, 16, 12)
    model = randomized(models.bert_pretrainer(encoder))
    training.save_model(model, folder / "pretrainer.keras")
    text.save_inputs(inputs, folder / "text_inputs.json")
    (folder / "test.conll").write_text(TEXTS[request.param], "utf-8")
    return folder


def run(folder: Path, **options) -> dict:
    recipe = load_recipe("cloze")
    options = {"test": folder / "test.conll", **options}
    return recipe.main(
        recipe.Config(init=folder, output=folder / "out", **options)
    )


def test_names_of_a_tagged_file(folder: Path, capsys) -> None:
    found = run(folder)
    gaps = GAPS[folder.name]
    assert "2 of 3 gaps, 2 of 3 candidates" in capsys.readouterr().out
    names = [gap.answer for gap in gaps]
    ranks = [rank for _, rank, _ in CandidateRanker(folder, names)(gaps)]
    expected = evaluation.rank_scores(ranks, 2)
    assert {key: found[key] for key in expected} == expected
    assert (found["num_gaps"], found["num_candidates"]) == (2, 2)
    stored = json.loads((folder / "out/results.json").read_text("utf-8"))
    assert stored["results"]["mrr"] == found["mrr"]
    lines = (folder / "out/gaps.tsv").read_text("utf-8").splitlines()
    assert [x.split("\t")[0] for x in lines[1:]] == [f"{x:g}" for x in ranks]
    shown = [Gap(*np.array(x.split("\t"))[[3, 4, 1]]) for x in lines[1:]]
    assert shown == gaps


def test_candidates_of_a_file(folder: Path) -> None:
    names = [gap.answer for gap in GAPS[folder.name]]
    path = folder / "names.txt"
    path.write_text(f"{names[1]}\n{TOKENS[folder.name][0]}\n", "utf-8")
    found = run(folder, candidates=path, num_gaps=5)
    assert (found["num_gaps"], found["num_candidates"]) == (1, 2)


@pytest.mark.parametrize("folder", ["character"], indirect=True)
def test_refused(folder: Path) -> None:
    (folder / "test.conll").write_text("他 O\n在 O\n", "utf-8")
    with pytest.raises(ValueError, match=r"test.conll: no word is part of"):
        run(folder)
    (folder / "test.conll").write_text("北 B-LOC\n龙 O\n", "utf-8")
    with pytest.raises(ValueError, match="`candidates` must be at least two"):
        run(folder)
    (folder / "test.conll").write_text(TEXTS["character"], "utf-8")
    (folder / "names.txt").write_text("他在\n在\n", "utf-8")
    with pytest.raises(ValueError, match="none of the names .* a candidate"):
        run(folder, candidates=folder / "names.txt")
    with pytest.raises(ValueError, match="`num_gaps` must be at least 1"):
        run(folder, num_gaps=0)
