"""A run starts, resumes or is refused, depending on its settings and data."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from keras_ctx import __version__, models, text, training


def inputs_of(folder: Path) -> dict[str, str]:
    """Returns the digests of a training file in `folder`."""
    path = folder / "train.tsv"
    path.write_text("good\tpos\n")
    return training.input_digests({"train": path, "dev": None})


def test_digests_are_those_of_other_tools(tmp_path: Path) -> None:
    digests = inputs_of(tmp_path)
    assert digests == {
        "train": hashlib.sha256(b"good\tpos\n").hexdigest(),
        "library": __version__,
    }
    with pytest.raises(FileNotFoundError, match="Received: path='.*none.tsv'"):
        training.input_digests({"train": tmp_path / "none.tsv"})


def test_the_digest_of_text_inputs_tells_any_change() -> None:
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"]
    made = [
        text.BertInputs(tokens, 8),
        text.BertInputs([*tokens[:-2], "b", "a"], 8),
        text.BertInputs(tokens, 9),
        text.BertInputs(tokens, 8, lower_case=False),
        text.ElmoInputs(max_characters=8),
    ]
    digests = [training.text_inputs_digest(inputs) for inputs in made]
    assert len(set(digests)) == len(made)
    again = text.BertInputs.from_config(made[0].get_config())
    assert training.text_inputs_digest(again) == digests[0]


def test_a_changed_file_is_refused_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    folder, settings = tmp_path / "run", {"rate": 0.1, "seeds": (1, 2)}
    digests = inputs_of(tmp_path)
    training.begin_run(folder, settings, digests)
    training.begin_run(folder, settings, digests)
    (folder / "metrics.jsonl").write_text("{}\n")
    before = (folder / "settings.json").read_bytes()
    changed = {**digests, "train": "f" * 64}
    with pytest.raises(ValueError, match="`train` has other content: .*ffff"):
        training.begin_run(folder, settings, changed)
    with pytest.raises(ValueError, match="`dev` has other content: .*nothing"):
        training.begin_run(folder, settings, {**digests, "dev": "f" * 64})
    newer = {**digests, "library": "9.9"}
    with pytest.raises(ValueError, match="version of keras_ctx: .* 9.9 now"):
        training.begin_run(folder, settings, newer)
    with pytest.raises(ValueError, match="rate: 0.1 there, 0.2 now"):
        training.begin_run(folder, {**settings, "rate": 0.2}, digests)
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["metrics.jsonl", "settings.json"]
    assert (folder / "settings.json").read_bytes() == before


def test_a_file_that_was_mended_before_the_first_step(tmp_path: Path) -> None:
    folder, digests = tmp_path / "run", inputs_of(tmp_path)
    training.begin_run(folder, {"rate": 0.1}, digests)
    training.begin_run(folder / "pretrained", {"rate": 0.1}, digests)
    (folder / "pretrained" / "seed_1" / "tensorboard").mkdir(parents=True)
    mended = {**digests, "train": "0" * 64}
    training.begin_run(folder, {"rate": 0.1}, mended)
    written = json.loads((folder / "settings.json").read_text())
    assert written["digests"] == mended
    with pytest.raises(ValueError, match="rate: 0.1 there, 0.2 now"):
        training.begin_run(folder, {"rate": 0.2}, mended)
    checkpoints = folder / "pretrained" / "seed_1" / "checkpoints"
    checkpoints.mkdir()
    (checkpoints / "step_000000001.safetensors").write_bytes(b"x")
    with pytest.raises(ValueError, match="`train` has other content"):
        training.begin_run(folder, {"rate": 0.1}, digests)


def test_a_restart_moves_the_run_and_loses_nothing(tmp_path: Path) -> None:
    folder, digests = tmp_path / "run", inputs_of(tmp_path)
    for number in range(3):
        training.begin_run(folder, {"rate": number}, digests, restart=True)
        (folder / "scores.json").write_text(str(number))
    moved = [tmp_path / f"run.old-{number}" for number in (1, 2)]
    assert [(x / "scores.json").read_text() for x in moved] == ["0", "1"]
    assert (folder / "scores.json").read_text() == "2"
    written = json.loads((moved[1] / "settings.json").read_text())
    assert written == {"rate": 1, "digests": digests}


def test_a_restart_needs_no_run(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "none"):
        training.begin_run(tmp_path / name, {}, restart=True)
        assert (tmp_path / name / "settings.json").exists()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_run_of_an_earlier_version_is_refused(tmp_path: Path) -> None:
    digests = inputs_of(tmp_path)
    training.save_json({"rate": 0.1}, tmp_path / "old" / "settings.json")
    training.save_json({"f1": 0.5}, tmp_path / "old" / "scores.json")
    with pytest.raises(ValueError, match="without digests"):
        training.begin_run(tmp_path / "old", {"rate": 0.1}, digests)
    training.save_json({"results": {}}, tmp_path / "older" / "results.json")
    with pytest.raises(ValueError, match="results.json without"):
        training.begin_run(tmp_path / "older", {"rate": 0.1}, digests)
    assert not (tmp_path / "older" / "settings.json").exists()


def test_a_series_is_refused_for_other_data(tmp_path: Path) -> None:
    digests = inputs_of(tmp_path)

    def run(seed, folder):
        return {"f1": 1.0}

    training.over_seeds(run, (1,), tmp_path / "run", {}, digests)
    training.over_seeds(run, (1, 2), tmp_path / "run", {}, digests)
    with pytest.raises(ValueError, match="`train` has other content"):
        changed = {**digests, "train": "0" * 64}
        training.over_seeds(run, (1,), tmp_path / "run", {}, changed)


def test_an_encoder_digest_tells_weights_and_their_use() -> None:
    encoder = models.bert_encoder(20, 1, 2, 8, 12, max_length=16)
    digest = training.encoder_digest(encoder)
    other = models.bert_encoder(
        20, 1, 2, 8, 12, max_length=16, activation="relu"
    )
    other.set_weights(encoder.get_weights())
    assert training.encoder_digest(other) != digest  # relu, not gelu
    again = models.bert_encoder(20, 1, 2, 8, 12, max_length=16)
    again.set_weights(encoder.get_weights())
    assert training.encoder_digest(again) == digest
    bias = again.get_layer("pooler").bias
    bias.assign(np.nextafter(bias.numpy(), np.float32(1)))
    assert training.encoder_digest(again) != digest


def test_an_ended_run_has_its_files(tmp_path: Path) -> None:
    training.save_json({"results": {"f1": 0.5}}, tmp_path / "results.json")
    assert training.ended_run(tmp_path) == {"f1": 0.5}
    assert training.ended_run(tmp_path, "encoder.keras") is None
