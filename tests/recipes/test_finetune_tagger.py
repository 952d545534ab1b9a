"""The tagger on published formats: schemes, layouts, refusals."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from recipe_files import load_recipe
from seqeval import scheme as seqeval
from seqeval.metrics import f1_score
from tiny_encoders import save_encoders

import keras_ctx
from keras_ctx import data, text

SMALL = {
    "epochs": 20,
    "batch_size": 4,
    "max_length": 16,
    "learning_rate": 0.02,
    "compare": False,
}
IOB1 = "the O\nriver I-LOC\nbank B-LOC\n\nink I-ORG\nis I-ORG\na O\n\n"


@pytest.fixture(scope="module")
def encoders(tmp_path_factory) -> dict[str, Path]:
    folders = save_encoders(tmp_path_factory.mktemp("encoders"))
    # The encoder reads characters, not distinct words.
    inputs = text.ElmoInputs(8, max_length=20)
    text.save_inputs(inputs, folders["elmo"] / "text_inputs.json")
    return folders


@pytest.fixture
def finetune(encoders, tmp_path):
    recipe = load_recipe("finetune_tagger")

    def run(train: str, test: str | None = None, end="conll", **settings):
        paths = {}
        for name, content in (("train", train), ("test", test or train)):
            paths[name] = tmp_path / f"{name}.{end}"
            paths[name].write_text(content)
        init = encoders[settings.pop("encoder", "bert")]
        output = tmp_path / "run"
        config = recipe.Config(
            init=init, output=output, **{**SMALL, **paths, **settings}
        )
        return recipe.main(config)

    return run


def columns(path: Path) -> list[list[list[str]]]:
    """Returns the words, tags and predictions of each sentence."""
    return [
        [
            list(column)
            for column in zip(*map(str.split, block.splitlines()), strict=True)
        ]
        for block in path.read_text().split("\n\n")
    ]


@pytest.mark.slow
def test_iob1_with_a_tag_that_only_the_test_file_has(
    finetune, tmp_path, capsys
) -> None:
    test = "# id = 1\nthe O\nriver I-LOC\nbank B-LOC\n\nwas I-PER\nis I-PER\n"
    plain = tmp_path / "plain.txt"
    plain.write_text("the\nriver\nbank\n\nwas\nis\n")
    results = finetune(
        IOB1 * 8, test, crf=True, constraints=True, predict=plain
    )
    said = capsys.readouterr().out
    assert "The tags are IOB1, as in 'I-TYPE'" in said
    assert "(B-PER 1, I-PER 1)" in said
    folder = tmp_path / "run"
    _, true, best = zip(*columns(folder / "predictions.conll"), strict=True)
    assert true == (["O", "I-LOC", "B-LOC"], ["I-PER", "I-PER"])
    words, predicted = zip(*columns(folder / "predicted.conll"), strict=True)
    assert words == (["the", "river", "bank"], ["was", "is"])
    assert predicted == best
    # seqeval's scores of the file are those of the recipe.
    expected = f1_score(
        *map(list, (true, best)), mode="strict", scheme=seqeval.IOB1
    )
    assert results["pretrained"] == pytest.approx(expected, abs=1e-12)
    assert 0.5 <= expected < 1
    assert results["types"]["PER"]["recall"] == 0
    assert results["types"]["LOC"]["support"] == 2
    assert results["scores_pretrained"]["recall"]["mean"] == 2 / 3
    labels = (folder / "labels.txt").read_text().split()
    assert labels == ["B-LOC", "B-ORG", "I-ORG", "O"]
    task = json.loads((folder / "task.json").read_text())
    assert task["task"] == "tagging" and task["scheme"] == "IOB1"
    assert task["columns"] == [0, 1] and task["model_scheme"] == "IOB2"
    assert data.TagScheme(**task["tag_scheme"]).name == "IOB1"
    assert (folder / "confusion.png").stat().st_size > 1000
    assert "LOC" in (folder / "report.txt").read_text()
    crf = keras.saving.load_model(folder / "model.keras").get_layer("crf")
    assert sorted(map(tuple, crf.constraints)) == sorted(
        data.allowed_transitions(labels)
    )


@pytest.mark.slow
@pytest.mark.parametrize("context", ["elmo", "bert"])
def test_taglm_with_bioes_inside(
    context: str, finetune, encoders, tmp_path
) -> None:
    plain = tmp_path / "plain.txt"
    plain.write_text("the\nriver\nbank\n")
    results = finetune(
        IOB1 * 8,
        encoder="words",
        context=encoders[context],
        recurrent_layers=2,
        recurrent_dim=12,
        cell="gru",
        crf=True,
        constraints=True,
        model_scheme="BIOES",
        store_context=context == "bert",
        predict=plain,
    )
    folder = tmp_path / "run"
    _, true, best = zip(*columns(folder / "predictions.conll"), strict=True)
    assert true[0] == ["O", "I-LOC", "B-LOC"]
    expected = f1_score(
        *map(list, (true, best)), mode="strict", scheme=seqeval.IOB1
    )
    assert results["pretrained"] == pytest.approx(expected, abs=1e-12)
    assert expected > 0.9
    assert best[0] == true[0]
    assert columns(folder / "predicted.conll")[0][1] == true[0]
    labels = (folder / "labels.txt").read_text().split()
    assert labels == ["B-ORG", "E-ORG", "O", "S-LOC"]
    task = json.loads((folder / "task.json").read_text())
    assert task["model_scheme"] == "BIOES" and task["scheme"] == "IOB1"
    # The whole model, in Python and as it is served.
    model = keras_ctx.load(folder)
    words = ["the", "river", "bank"]
    spans = [(x.text, x.label) for x in model.predict(["the river bank"])[0]]
    assert spans == [("river", "LOC"), ("bank", "LOC")]
    assert model.evaluate([words], [true[0]])["f1"] == 1
    version = model.export(tmp_path / "served")
    tag = tf.saved_model.load(str(version)).signatures["tag"]
    found = tag(text=tf.constant(["the river bank", "the"]))
    assert found["tags"].numpy()[0].tolist() == [b"O", b"S-LOC", b"S-LOC"]
    raw = model.text_inputs(["the river bank", "the"])
    scores = model.model(raw)["scores"].numpy()
    np.testing.assert_allclose(
        found["scores"].numpy()[0], scores[0].max(-1), atol=1e-5
    )  # the graph of a server fuses operations


@pytest.mark.slow
def test_constraints_hold_where_words_have_several_pieces(
    finetune, tmp_path
) -> None:
    # The encoder is random. Letters are pieces, so constraints between tokens
    # would not hold between words.
    sentence = "tre O\nba B-X\nin I-X\nabe B-Y\nae I-Y\n"
    finetune(
        f"{sentence}\n" * 4,
        crf=True,
        constraints=True,
        epochs=1,
        learning_rate=1e-9,
    )
    found = columns(tmp_path / "run" / "predictions.conll")
    for _, true, best in found:
        assert len(best) == len(true)
        spans = data.exact_spans(best)
        assert data.span_tags(spans, len(best)) == best


@pytest.mark.slow
def test_plain_tags_in_json(finetune, tmp_path, capsys) -> None:
    rows = [
        {"tokens": ["a", "b", "it"], "upos": [0, 1, 2]},
        {"tokens": ["e", "b", "it"], "upos": [0, 1, 2]},
    ]
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    results = finetune(
        lines * 8,
        end="jsonl",
        tag_names=("DET", "NOUN", "VERB"),
        lora_rank=2,
        num_train=12,
        max_length=4,  # with [CLS] and [SEP]: the third word is cut off
    )
    said = capsys.readouterr().out
    assert "The tags are plain tags, no spans" in said
    assert "test: 16 words of 16 sentences are cut off" in said
    assert results["metric"] == "accuracy" and results["num_train"] == 12
    # Memorized, except the word that was cut off.
    assert results["pretrained"] == pytest.approx(2 / 3)
    assert results["majority"] == 1.0
    folder = tmp_path / "run"
    assert columns(folder / "predictions.conll")[0] == [
        ["a", "b", "it"],
        ["DET", "NOUN", "VERB"],
        ["DET", "NOUN", "_"],
    ]
    task = json.loads((folder / "task.json").read_text())
    assert task["scheme"] == task["model_scheme"] == "plain"
    assert task["columns"] == ["tokens", "upos"]


@pytest.mark.parametrize(
    "train, test, settings, message",
    [
        ("a O\n\n" * 8, None, {}, "`train` must have at least two tags"),
        ("a O\nb B-X\n", None, {}, "at least the 4 sentences of one update"),
        (IOB1 * 4, "a O\nb LOC\n", {}, "'LOC' .*test.conll, line 2"),
        (IOB1 * 4, "a O\nb\n", {}, "test.conll, line 2: .*tag is missing"),
        (IOB1 * 4, "a O O\n", {}, "test.conll, line 1: .* 3 columns"),
        (
            IOB1 * 4,
            None,
            {"scheme": "BMES", "columns": ("0", "2")},
            "`columns`",
        ),
        (IOB1 * 4, None, {"max_length": 999}, "`max_length` must be at most"),
        ("a N\nb V\n\n" * 8, None, {"crf": True, "constraints": True}, "plain"),
        (
            IOB1 * 4,
            None,
            {"encoder": "elmo", "lora_rank": 2},
            "blocks of a Transformer",
        ),
        (IOB1 * 4, None, {"mix": "concat_last_4"}, "four|4"),
        (IOB1 * 4, None, {"recurrent_layers": 1}, "one position for each"),
        ("a N\nb V\n\n" * 8, None, {"model_scheme": "BIOES"}, "plain"),
    ],
)
def test_refused_before_anything_is_written(
    train, test, settings, message, finetune, tmp_path
) -> None:
    with pytest.raises(ValueError, match=message):
        finetune(train, test, **settings)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"constraints": True}, "`constraints` needs `crf`"),
        ({"lora_rank": 4, "frozen": True}, "`lora_rank` trains the encoder"),
        ({"num_train": 0}, "`num_train` must be at least 1"),
        ({"dev": Path("dev")}, "`dev` needs `train` and `test`"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, message) -> None:
    with pytest.raises(ValueError, match=message):
        load_recipe("finetune_tagger").Config(**settings)


def test_score_of_iob1() -> None:
    score = data.strict_f1
    true = [["I-PER", "I-PER", "O", "I-LOC"], ["I-ORG", "O", "I-LOC", "B-LOC"]]
    assert score(true, true) == 1.0
    # By hand: 1 of 5 found, no false positives; B-LOC begins no entity here.
    assert score(true, [["I-PER", "I-PER"], ["O", "O", "O", "B-LOC"]]) == (
        pytest.approx(2 * 1 * 0.2 / 1.2)
    )
