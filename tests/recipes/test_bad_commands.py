"""Every recipe, typed wrongly or shown where little fits: what is said.

An option of another recipe, an output that is a file (or a folder, where it
must be a file), a terminal of 40 columns, and no terminal.
"""

import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_args, get_origin

from keras_ctx.command_line.other_recipes import _options
from keras_ctx.command_line.run_command import run_command

import pytest
from recipe_files import load_recipe

RECIPES = Path(__file__).parents[2] / "recipes"
NAMES = sorted(path.stem for path in RECIPES.glob("*.py"))
# Which OUTPUT is.
FILES = {"fill_mask", "generate", "predict", "score_corpus", "translate"}
NO_OUTPUT = {"query", "query_word_vectors", "quickstart", "serve"}


def command(name: str, *arguments: str, capsys) -> tuple[Any, str, str]:
    recipe = load_recipe(name)
    with pytest.raises(SystemExit) as end:
        run_command(recipe.main, recipe.Config, arguments)
    found = capsys.readouterr()
    return end.value.code, found.out, found.err


def values_of(kind: Any) -> int:
    return len(get_args(kind)) if get_origin(kind) is tuple else 1


def required(name: str, path: Path) -> list[str]:
    """The options without a default, all of the same path."""
    needed = [
        x
        for x in fields(load_recipe(name).Config)
        if (x.default, x.default_factory) == (MISSING, MISSING)
    ]
    given = [
        # A pair of paths takes two words.
        [f"--{x.name.replace('_', '-')}", *[str(path)] * values_of(x.type)]
        for x in needed
    ]
    return [word for words in given for word in words]


@pytest.mark.parametrize("name", NAMES)
def test_options_are_those_that_the_source_says(name: str) -> None:
    """Read without an import, as Python reads them."""
    found = dict(_options(RECIPES))[f"{name}.py"]
    assert found == {x.name for x in fields(load_recipe(name).Config)}


@pytest.mark.parametrize("name", NAMES)
def test_an_option_of_another_recipe(name: str, capsys) -> None:
    option, other = "--crf", "finetune_tagger"
    if name == other:
        option, other = "--server=http://one:1", "query"
    status, out, said = command(name, option, capsys=capsys)
    assert (status, out) == (2, "")
    (line,) = said.splitlines()
    shown = option.partition("=")[0]
    assert "Unrecognized options" in line and line.startswith(f"{name}.py: ")
    assert f" `{shown}` is an option of {other}.py. (--help" in line


@pytest.mark.parametrize(
    ("name", "words", "sentence"),
    [
        (
            "finetune_squad",
            ("--train", "a", "--n-best", "3"),
            "`--n-best` is now `--top-k`.",
        ),
        (
            "finetune_classifier",
            ("--accumulate=2",),
            "`--accumulate` is now `--gradient-accumulation-steps`.",
        ),
        (
            "prepare_corpus",
            ("--short-probability", "0"),
            "`--short-probability` is now `--short-seq-prob`.",
        ),
        (
            "query",
            ("--held-out", "a", "--no-crf"),
            "`--held-out` is an option of pretrain_bert.py, "
            "pretrain_elmo.py, pretrain_gpt.py and pretrain_ulmfit.py. "
            "`--crf` is an option of finetune_tagger.py.",
        ),
        ("serve", ("--port", "1", "--nothing"), "--nothing. (--help"),
    ],
)
def test_options_of_earlier_versions_and_of_several(
    name: str, words: tuple[str, ...], sentence: str, capsys
) -> None:
    status, _, said = command(name, *words, capsys=capsys)
    assert status == 2 and sentence in said
    assert said.count("an option of") == sentence.count("an option of")


@pytest.mark.parametrize("name", [x for x in NAMES if x not in NO_OUTPUT])
@pytest.mark.parametrize("below", [False, True])
def test_an_output_that_is_of_the_wrong_kind(
    name: str, below: bool, tmp_path: Path, capsys, monkeypatch
) -> None:
    """Refused before anything is read: nothing else is there to read."""
    monkeypatch.chdir(tmp_path)
    wrong = tmp_path / "there"
    is_folder = name in FILES and not below
    wrong.mkdir() if is_folder else wrong.write_text("mine")
    output = wrong / "run" if below else wrong
    words = required(name, tmp_path / "nothing") + ["--output", str(output)]
    words += ["--init", "nothing"] * (name == "embed_corpus")
    status, out, said = command(name, *words, capsys=capsys)
    assert (status, out) == (2, "")
    (line,) = said.splitlines()
    kind = "must name a file" if is_folder else f"{wrong} is a file"
    assert line.startswith(f"{name}.py: `--output` must ") and kind in line
    assert list(tmp_path.iterdir()) == [wrong]
    assert is_folder or wrong.read_text() == "mine"


@pytest.mark.parametrize("option", ["runs", "saved-models"])
def test_quickstart_finds_both_its_folders_first(
    option: str, tmp_path: Path, capsys, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine").write_text("")
    words = (f"--{option}", "mine/all")
    status, out, said = command("quickstart", *words, capsys=capsys)
    assert (status, out) == (2, "")
    assert (
        f"`--{option}` must be a folder, or a new one. {tmp_path}/mine" in said
    )
    assert list(tmp_path.iterdir()) == [tmp_path / "mine"]


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("name", NAMES)
def test_help_fits_its_terminal(
    name: str, columns: int, capsys, monkeypatch
) -> None:
    """But for a word that is longer itself; and without a terminal."""
    monkeypatch.setenv("COLUMNS", str(columns))
    status, shown, said = command(name, "--help", capsys=capsys)
    assert status in (0, None) and not said
    assert {x for x in shown if not x.isprintable()} == {"\n"}
    lines = shown.splitlines()
    # The longest name makes it 44 columns wide, and tyro does not break it.
    lines.remove(f"usage: {name}.py [-h] [OPTIONS]")
    for line in lines:
        rest = line.removesuffix(" \\").strip()
        words = re.findall(r"'[^']*'|\"[^\"]*\"|\S+", rest)
        is_command = len(words) == 2 and line.endswith(" \\")
        assert len(line) <= columns or len(words) == 1 or is_command, line
