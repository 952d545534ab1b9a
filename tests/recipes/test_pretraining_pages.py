"""The text that the pretraining recipes print: `--help`, last lines."""

import dataclasses
import re
import shlex
from pathlib import Path

import pytest
import tyro
from help_entries import help_entries
from recipe_files import load_recipe

ALIEN = {
    "prepare_corpus": "--epochs",
    "pretrain_bert": "--num-negatives",
    "pretrain_elmo": "--num-heads",
}
CHANGED = {
    "prepare_corpus": {"--shard-megabytes": "64", "--seed": "1"},
    "pretrain_bert": {"--epochs": "9", "--vocabulary-size": "4000"},
    "pretrain_elmo": {"--epochs": "8", "--learning-rate": "0.004"},
}


@pytest.mark.parametrize("name", ALIEN)
def test_help_explains_every_option(name: str, capsys, monkeypatch) -> None:
    """Also inherited options with other defaults."""
    monkeypatch.setenv("COLUMNS", "200")
    config = load_recipe(name).Config
    shown, entries = help_entries(config, capsys)
    for field in dataclasses.fields(config):
        option = f"--{field.name.replace('_', '-')}"
        (entry,) = [x for x in entries if re.match(rf"{option}\b(?![-=])", x)]
        words = entry.partition("(default:")[0]
        # There is a sentence, in addition to the option and its type. That of
        # `--beam` continues with an option on a new line.
        assert words.strip().endswith((".", "such as")), entry
        default = CHANGED[name].get(option)
        assert default is None or f"(default: {default})" in entry
    assert f" {ALIEN[name]} " not in shown


@pytest.mark.parametrize("name", ALIEN)
def test_help_has_the_files_and_a_command_of_this_recipe(name: str) -> None:
    recipe = load_recipe(name)
    doc = recipe.__doc__ or ""
    sections = re.findall(r"^([A-Z]\w+) {2,}\S", doc, re.MULTILINE)
    assert sections == ["Data", "Output", "Command", "Expected"]
    assert doc.partition("\n\n")[0].endswith(".")
    whole = re.sub(r"\\\n +", "", doc)
    commands = re.findall(r"^ +(python .*)$", whole, re.MULTILINE)
    assert commands
    for command in commands:
        script, *words = shlex.split(command)[1:]
        assert script == f"recipes/{name}.py"
        options = {word.partition("=")[0] for word in words if word[:2] == "--"}
        known = {
            f"--{field.name.replace('_', '-')}"
            for field in dataclasses.fields(recipe.Config)
        }
        assert options <= known


@pytest.mark.parametrize("kind", ["bert", "elmo"])
def test_records_end_with_the_command_that_learns_from_them(
    kind: str, tmp_path: Path, capsys, monkeypatch
) -> None:
    """The command is parsed: its options fit the records."""
    monkeypatch.setenv("COLUMNS", "40")
    corpus = tmp_path / "my news.txt"
    corpus.write_text("a river\na bank\n\nthe bank\nthe river\n" * 2)
    prepare = load_recipe("prepare_corpus")
    split = {"bert": "wordpiece", "elmo": "whitespace"}[kind]
    length = {"max_length": 200} if kind == "bert" else {}
    output = tmp_path / "my records"
    found = prepare.main(
        prepare.Config((corpus,), output, kind, split=split, **length)
    )
    said = capsys.readouterr().out
    number = re.search(r"^records +(\S+)$", said, re.MULTILINE)
    assert number is not None and int(number[1]) == found["records"]
    command = said.partition("Next:\n")[2].replace("\\\n", "")
    python, script, *words = shlex.split(command)
    assert python and Path(script).name == f"pretrain_{kind}.py"
    pretrain = load_recipe(f"pretrain_{kind}")
    config = tyro.cli(pretrain.Config, args=words)
    assert config.records == output
    assert config.output == tmp_path / f"my records_{kind}"
    if kind == "bert":
        assert (config.pair_tokens, config.max_length) == (200, 200)
    else:
        assert (config.split, config.max_characters) == ("whitespace", 50)
