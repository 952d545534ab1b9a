"""Predicted arguments of the predicates in a file, beside `predict_roles`."""

import json
from pathlib import Path

import pytest
from prediction_runs import INPUTS, encoder, save_run

from keras_ctx import data, fine_tuning, models
from keras_ctx.predictions import check_file, predict_file, read_task

LABELS = ("O", "B-A0", "I-A0", "B-A1", "I-A1")
# The last word, and predicate, of the third is cut: [CLS] and [SEP] take two
# of 24 positions.
LINES = [
    {"sent_id": "x", "words": ["a", "b", "c"], "predicate": 1, "arguments": []},
    {"sent_id": "x", "words": ["a", "b", "c"], "predicate": 2, "arguments": []},
    {"sent_id": "y", "words": ["d", "?"]},
    {
        "sent_id": "z",
        "words": list("abcdefghij" * 2 + "abc"),
        "predicate": 22,
        "arguments": [[0, 2, "A1"]],
        "sense": "c.01",
    },
]


@pytest.fixture
def run(tmp_path: Path):
    model = save_run(
        tmp_path / "run",
        models.semantic_roles(encoder(), 5, predicate_dim=4),
        LABELS,
        task="semantic_roles",
        predicate="flag",
    )
    kernel = model.get_layer("logits").kernel
    kernel.assign(50 * kernel)
    model.save(tmp_path / "run" / "model.keras")
    path = tmp_path / "roles.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in LINES))
    return tmp_path / "run", model, path


def test_each_predicate_has_a_line(run, tmp_path: Path, capsys) -> None:
    folder, model, path = run
    output = tmp_path / "out.jsonl"
    assert predict_file(folder, path, output, batch_size=2) == len(LINES)
    written = [json.loads(x) for x in output.read_text().splitlines()]
    assert [x["sent_id"] for x in written] == ["0", "0", "1", "2"]
    assert [x["words"] for x in written] == [x["words"] for x in LINES]
    assert written[2].keys() == {"sent_id", "words"}
    found = data.read_propositions(output)
    asked = [one for _, x in data.read_propositions(path) for one in x]
    right = fine_tuning.predict_roles(
        model, asked, LABELS, INPUTS, 4, verbose=False
    )
    assert [one for _, x in found for one in x] == right
    assert right[0].arguments and not right[2].arguments
    assert right[2].sense == "c.01"
    said = capsys.readouterr().err
    assert "1 predicates exceed" in said and "words of other" not in said
    # From columns, the same answers.
    columns = tmp_path / "roles.txt"
    columns.write_text("a - * *\nb b (V*) *\nc c * (V*)\n\nd -\n? -\n")
    assert predict_file(folder, columns, output) == 3
    again = [json.loads(x) for x in output.read_text().splitlines()]
    for one, other in zip(again, written, strict=False):
        assert one.get("arguments") == other.get("arguments")


def test_what_is_refused(run, tmp_path: Path) -> None:
    folder, _, path = run
    task = read_task(folder)
    with pytest.raises(ValueError, match="`encoding` is for texts and words"):
        predict_file(task, path, encoding="latin-1")
    with pytest.raises(ValueError, match="`columns` and `lines` are for texts"):
        predict_file(task, path, lines=True)
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text('{"sent_id": "1", "words": ["a"], "predicate": 1}\n')
    with pytest.raises(ValueError, match="must have the key 'arguments'"):
        check_file(wrong, {"task": "semantic_roles"})
    (folder / "task.json").unlink()
    with pytest.raises(ValueError, match="`folder` must have the task.json"):
        read_task(folder)
