"""The options of the recipes in a folder, read from their source.

Nothing is imported: `query.py`, say, has no TensorFlow to import others with.
"""

import ast
import contextlib
import functools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from keras_ctx.files.earlier_names import with_names_of_today

_LIBRARY = Path(__file__).resolve().parents[1]
_CONFIG = "Config"


def advice(words: Sequence[str], recipe: Path) -> str:
    """Explains the options that a recipe does not know.

    Args:
        words: Words of the command line.
        recipe: File of the recipe, in the folder of all recipes.

    Returns:
        A sentence for each option that another recipe has, or that has a new
        name; "" if there is none.

    Example:
        >>> folder = Path("others")
        >>> folder.mkdir()
        >>> code = "class Config:\\n    crf: bool = False\\n"
        >>> _ = (folder / "tag.py").write_text(code)
        >>> _ = (folder / "ask.py").write_text(code.replace("crf", "top_k"))
        >>> advice(["--crf"], folder / "ask.py")
        ' `--crf` is an option of tag.py.'
        >>> advice(["--n-best", "3"], folder / "ask.py")
        ' `--n-best` is now `--top-k`.'
    """
    options = dict(_options(recipe.parent))
    here = options.get(recipe.name, set())
    sentences = []
    for word in words:
        found = re.fullmatch(
            r"--(?:no-)?([a-z][\w-]*)(?:=.*)?", word, re.DOTALL
        )
        name = found[1].replace("-", "_") if found else ""
        if not name or name in here:
            continue
        (today,) = with_names_of_today({name: None})
        shown = f"`--{name.replace('_', '-')}`"
        others = [file for file, names in options.items() if name in names]
        if today != name and today in here:
            sentences.append(f" {shown} is now `--{today.replace('_', '-')}`.")
        elif others:
            sentences.append(f" {shown} is an option of {_listed(others)}.")
    return "".join(sentences)


def _listed(files: Sequence[str]) -> str:
    *first, last = files
    return f"{', '.join(first)} and {last}" if first else last


def _options(folder: Path) -> Iterator[tuple[str, set[str]]]:
    """Yields each recipe with the names of its options."""
    for path in sorted(folder.glob("*.py")):
        config = _class(path, _CONFIG)
        if config is not None:
            yield path.name, set(_fields(config))


def _fields(config: ast.ClassDef) -> Iterator[str]:
    """Yields the fields of a dataclass and of its bases in the library."""
    for base in config.bases:
        found = _of_library(ast.unparse(base).rpartition(".")[2])
        if found is not None:
            yield from _fields(found)
    for node in config.body:
        if isinstance(node, ast.AnnAssign):
            yield ast.unparse(node.target)


@functools.cache
def _of_library(name: str) -> ast.ClassDef | None:
    for path in _LIBRARY.rglob("*.py"):
        found = _class(path, name)
        if found is not None:
            return found
    return None


def _class(path: Path, name: str) -> ast.ClassDef | None:
    """Returns the class of this name in a file, or `None`."""
    with contextlib.suppress(OSError, ValueError, SyntaxError):
        text = path.read_text("utf-8")
        if f"class {name}" in text:  # parsing all would take a second
            for node in ast.parse(text).body:
                if isinstance(node, ast.ClassDef) and node.name == name:
                    return node
    return None
