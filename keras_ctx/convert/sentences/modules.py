"""The steps of a sentence-transformers folder, as its modules.json lists them.

A folder of sentence-transformers is a list of modules: the Transformer first,
then what makes one vector of its tokens.
"""

from pathlib import Path
from typing import Any, NamedTuple

from keras_ctx.files.json_text import load_json

MODULES = "modules.json"
_NAMES = ("sentence_transformers.", "sentence_transformers/")
# The first module had this name before 2020.
TRANSFORMERS = ("Transformer", "BERT")


class Module(NamedTuple):
    """A step of the folder."""

    kind: str
    """The class's own name, such as Pooling."""
    folder: Path
    """Where its files are."""


def sentence_modules(folder: Path) -> list[Module]:
    """The modules of a folder in their order; none without modules.json.

    Raises:
        ValueError: `modules.json` is no such list, names a path outside of the
            folder, or a class that sentence-transformers does not have.

    Example:
        >>> _ = Path("modules.json").write_text(
        ...     '[{"idx": 0, "path": "0_Transformer", '
        ...     '"type": "sentence_transformers.models.Transformer"}]')
        >>> sentence_modules(Path("."))[0].kind
        'Transformer'
    """
    path = folder / MODULES
    if not path.is_file():
        return []
    try:
        content = load_json(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:  # of JSON or of UTF-8
        raise ValueError(
            f"{path}: the file must be JSON in UTF-8. Get it again. "
            f"Received: {error}"
        ) from error
    if not isinstance(content, list) or not content:
        raise ValueError(
            f"{path}: the file must hold the list of the modules. Get it "
            f"again. Received: {str(content)[:100]}"
        )
    return [
        _module(entry, folder, f"{path}: module {place}")
        for place, entry in enumerate(content)
    ]


def transformer_folder(folder: Path) -> Path:
    """Where the encoder of a folder is: in it, or in its 0_Transformer."""
    modules = sentence_modules(folder)
    if modules and modules[0].kind in TRANSFORMERS:
        return modules[0].folder
    return folder


def _module(entry: Any, folder: Path, where: str) -> Module:
    kind = entry.get("type") if isinstance(entry, dict) else None
    if not isinstance(kind, str):
        raise ValueError(
            f"{where} must be an object with a `type` and a `path`. "
            f"Received: {str(entry)[:100]}"
        )
    name = entry.get("path", "")
    if (
        not isinstance(name, str)
        or "\\" in name
        or Path(name).is_absolute()
        or ".." in Path(name).parts
    ):
        raise ValueError(
            f"{where}: `path` must name a folder inside of this one. Get the "
            f"checkpoint from another source. Received: path={name!r}"
        )
    if not kind.startswith(_NAMES):
        raise ValueError(
            f"{where} is of the class {kind!r}, which comes with code of its "
            "own. Only modules of sentence-transformers are read; code of a "
            "checkpoint is never run."
        )
    return Module(kind.rpartition(".")[2], folder / name)
