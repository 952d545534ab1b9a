"""Reads the modules of a sentence-transformers folder from modules.json.

The first module is the Transformer. The others turn its tokens into one
vector.
"""

from pathlib import Path
from typing import Any, NamedTuple

from keras_ctx.files.json_text import load_json

MODULES = "modules.json"
_NAMES = ("sentence_transformers.", "sentence_transformers/")
# The first module had this name before 2020.
TRANSFORMERS = ("Transformer", "BERT")


class Module(NamedTuple):
    """A module of the folder."""

    kind: str
    """Name of the class, such as Pooling."""
    folder: Path
    """Folder of its files."""


def sentence_modules(folder: Path) -> list[Module]:
    """Returns the modules of a folder in order; none without modules.json.

    Raises:
        ValueError: If `modules.json` is not such a list, or names a path
            outside the folder or a class that sentence-transformers does not
            have.

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
    except ValueError as error:  # The file is not JSON or not UTF-8.
        raise ValueError(
            f"{path}: the file must be JSON in UTF-8. Get it again. "
            f"Received: {error}"
        ) from error
    if not isinstance(content, list) or not content:
        raise ValueError(
            f"{path}: the file must hold a list of modules. Get it again. "
            f"Received: {str(content)[:100]}"
        )
    return [
        _module(entry, folder, f"{path}: module {place}")
        for place, entry in enumerate(content)
    ]


def transformer_folder(folder: Path) -> Path:
    """Returns the folder of the encoder: itself, or its 0_Transformer."""
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
            f"{where}: `path` must name a folder inside this one. Get the "
            f"checkpoint from another source. Received: path={name!r}"
        )
    if not kind.startswith(_NAMES):
        raise ValueError(
            f"{where} must be a class of sentence-transformers. Received: "
            f"{kind!r}, custom code of the checkpoint, which is never run."
        )
    return Module(kind.rpartition(".")[2], folder / name)
