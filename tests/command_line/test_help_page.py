"""What stands above the options of `--help`."""

import ast
import re
from pathlib import Path

from keras_ctx.command_line.help_page import help_page

import pytest

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.py"))
DOC = r"""Tag words.

Data      CoNLL columns: the word first, its tag last, a blank line
          between sentences.
Output    OUTPUT/model.keras.
Command   python recipes/finetune_tagger.py --init runs/bert \
              --train a.conll
          To leave the encoder as it is:
          python recipes/finetune_tagger.py --frozen

`--init` takes a run of this library or a checkpoint.
"""
NARROW = r"""Tag words.

Data
  CoNLL columns: the word first, its tag
  last, a blank line between sentences.
Output
  OUTPUT/model.keras.
Command
  python recipes/finetune_tagger.py \
    --init runs/bert \
    --train a.conll
  To leave the encoder as it is:
  python recipes/finetune_tagger.py \
    --frozen

`--init` takes a run of this library or
a checkpoint."""


def test_as_it_is_written_and_narrow() -> None:
    assert help_page(DOC, 80) == DOC.strip()
    assert help_page(DOC, 40) == NARROW


def test_lines_that_python_has_joined() -> None:
    """A docstring that is not raw has no backslash, but the blanks."""
    joined = DOC.replace("\\\n", "")
    assert help_page(joined, 40) == NARROW
    command = "python recipes/finetune_tagger.py --init runs/bert"
    assert f"\nCommand   {command} --train a.conll\n" in help_page(joined, 80)
    longer = joined.replace("a.conll", f"{'a' * 20}.conll")
    lines = help_page(longer, 80).splitlines()
    place = lines.index("Command   python recipes/finetune_tagger.py \\")
    assert lines[place + 1 : place + 3] == [
        "            --init runs/bert \\",
        f"            --train {'a' * 20}.conll",
    ]


def test_a_command_of_curl_can_be_typed_on_a_narrow_terminal() -> None:
    doc = """Sort.

Command   Then type, in another terminal:
          curl http://127.0.0.1:8501/v1/models/NAME \\
              -d '{"instances": ["Hello."]}'"""
    assert help_page(doc, 40).splitlines()[2:] == [
        "Command",
        "  Then type, in another terminal:",
        "  curl http://127.0.0.1:8501/v1/models/NAME \\",
        """    -d '{"instances": ["Hello."]}'""",
    ]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_on_a_narrow_terminal(path: Path) -> None:
    doc = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    narrow = help_page(doc, 40)
    letters = [re.sub(r"[\\\s]", "", text) for text in (doc, narrow)]
    assert letters[0] == letters[1]
    for line in narrow.splitlines():
        words = re.findall(r"'[^']*'|\"[^\"]*\"|\S+", line.removesuffix(" \\"))
        # Python, an option or a sign, and one word that may be long.
        assert len(line) <= 40 or len(words) <= 2, line
