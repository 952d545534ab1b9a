"""Predictions for unlabelled files equal those of the test file."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import tyro
from recipe_files import load_recipe
from tiny_encoders import save_encoders

TOY = {"epochs": 1, "compare": False, "batch_size": 4, "learning_rate": 0.05}
TEXTS = [
    *("the river", "bank", "the bank is", "river river", "i bank the"),
    *("on the bank", "has the river", "rank", "the", "a trek in the rain"),
]


def check_closing(shown: str, made: Path | None) -> None:
    """Checks the last lines: the new file, and a valid next command."""
    before, _, command = shown.partition("Next:\n")
    if made is not None:
        assert before.endswith(f"\nMade:\n  {made}\n")
    _, script, *words = shlex.split(command.replace("\\\n", " "))
    path = Path(__file__).parents[2] / script
    assert path.exists()
    tyro.cli(load_recipe(path.stem).Config, args=words)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ({}, ("bad", "good")),
        pytest.param(
            {"regression": True}, ("1", "2.5"), marks=pytest.mark.slow
        ),
        pytest.param(
            {"multi_label": True, "label_separator": "+"},
            ("bad", "good+long"),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_classifier(options, labels, tmp_path: Path, capsys) -> None:
    recipe = load_recipe("finetune_classifier")
    init = save_encoders(tmp_path)["bert"]
    train, plain = tmp_path / "train.tsv", tmp_path / "plain.tsv"
    rows = [(text, labels[n % 2]) for n, text in enumerate(TEXTS)]
    train.write_text("".join(f"{text}\t{label}\n" for text, label in rows))
    plain.write_text("".join(f"{text}\n" for text in TEXTS) + "\n")
    output = tmp_path / "run"
    config = recipe.Config(
        train=train,
        test=train,
        predict=plain,
        init=init,
        output=output,
        **{**TOY, **options},
    )
    recipe.main(config)
    check_closing(capsys.readouterr().out, output)
    # The column names, then one line per text, without true labels.
    expected = (output / "predictions.tsv").read_text().splitlines()
    expected = [line.partition("\t")[2] for line in expected[1:]]
    found = (output / "predicted.tsv").read_text().split("\n")
    assert found[len(TEXTS) :] == ["", ""], "that of the blank line, the end"
    for line, other in zip(found, expected, strict=False):
        (best, *numbers), (other_best, *others) = (
            x.split("\t") for x in (line, other)
        )
        if options.get("regression"):
            assert float(best) == pytest.approx(float(other_best), abs=1e-5)
        else:
            assert best == other_best
        assert [float(x) for x in numbers] == pytest.approx(
            [float(x) for x in others], abs=2e-4
        )
    # Again, by itself.
    predict = load_recipe("predict")
    again = tmp_path / "again.tsv"
    assert predict.main(predict.Config(output, plain, again)) == 11
    assert again.read_text() == (output / "predicted.tsv").read_text()
    check_closing(capsys.readouterr().out, again)
    # To standard output, which has nothing else.
    predict.main(predict.Config(output, plain))
    shown = capsys.readouterr()
    assert shown.out == again.read_text()
    check_closing(shown.err, None)
    # Another file for the same run, without training again.
    saved = (output / "model.keras").read_bytes()
    plain.write_text(f"{TEXTS[0]}\n")
    recipe.main(config)
    assert (output / "model.keras").read_bytes() == saved
    assert (output / "predicted.tsv").read_text().count("\n") == 1
    recipe.main(replace(config, predict=None))


@pytest.mark.slow  # one more training
def test_tagger(tmp_path: Path) -> None:
    recipe = load_recipe("finetune_tagger")
    init = save_encoders(tmp_path)["bert"]
    train, plain = tmp_path / "train.conll", tmp_path / "plain.txt"
    sentences = [text.split() for text in TEXTS]
    tags = [
        "S-X" if word in ("bank", "river") else "O"
        for words in sentences
        for word in words
    ]
    tags[:2] = ["B-X", "E-X"]  # BIOES
    each = iter(tags)
    train.write_text(
        "\n".join(
            "".join(f"{word} {next(each)}\n" for word in words)
            for words in sentences
        )
    )
    plain.write_text(
        "\n".join("".join(f"{w}\n" for w in words) for words in sentences)
    )
    output = tmp_path / "run"
    recipe.main(
        recipe.Config(
            train=train,
            test=train,
            predict=plain,
            init=init,
            output=output,
            crf=True,
            **TOY,
        )
    )
    assert json.loads((output / "task.json").read_text())["scheme"] == "BIOES"
    expected = [
        " ".join(line.split()[::2])
        for line in (output / "predictions.conll").read_text().split("\n")
    ]
    found = (output / "predicted.conll").read_text().split("\n")
    assert found == expected
    assert len({line.split()[1] for line in found if line}) > 1


def test_file_to_predict_is_read_before_training(tmp_path: Path) -> None:
    init = save_encoders(tmp_path)["bert"]
    train = tmp_path / "train.tsv"
    rows = [(text, "ab"[n % 2]) for n, text in enumerate(TEXTS)]
    train.write_text("".join(f"{text}\t{label}\n" for text, label in rows))
    bad = tmp_path / "bad.tsv"
    bad.write_text("a\tb\nc\n")
    options = {"init": init, "output": tmp_path / "run", **TOY}
    recipe = load_recipe("finetune_classifier")
    with pytest.raises(ValueError, match=r"bad\.tsv, line 2: a row must have"):
        recipe.main(
            recipe.Config(train=train, test=train, predict=bad, **options)
        )
    words = tmp_path / "words.conll"
    words.write_text("a O\nb B-X\n\n" * 4)
    bad.write_text("a\n\na b c\n")
    recipe = load_recipe("finetune_tagger")
    with pytest.raises(ValueError, match=r"bad\.tsv, line 3: a line must"):
        recipe.main(
            recipe.Config(train=words, test=words, predict=bad, **options)
        )
    recipe = load_recipe("finetune_squad")
    questions = tmp_path / "questions.json"
    answer = {"text": "the", "answer_start": 0}
    qas = [{"id": "q", "question": "a", "answers": [answer]}]
    paragraph = {"context": "the river", "qas": qas}
    questions.write_text(json.dumps([{"paragraphs": [paragraph]}]))
    with pytest.raises(
        ValueError, match=r"bad\.tsv: the file must be complete"
    ):
        recipe.main(
            recipe.Config(
                train=questions,
                test=questions,
                predict=bad,
                init=init,
                output=tmp_path / "run",
                max_question=4,
                max_answer=3,
            )
        )
    assert not (tmp_path / "run").exists()
