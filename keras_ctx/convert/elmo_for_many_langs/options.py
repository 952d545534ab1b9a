"""Reads settings and vocabularies of a model folder of ELMoForManyLangs."""

from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from keras_ctx.convert.elmo.options import FILTERS, WORD_LENGTH
from keras_ctx.convert.files.options import (
    COUNT,
    PARTS,
    PARTS_OR_NONE,
    Option,
    Rule,
    is_int,
    is_number,
    read_json,
    read_table,
)

CONFIG = "config.json"
CHARACTERS, WORDS = "char.dic", "word.dic"
_MOST_BYTES = 1_000_000
# All released models have these settings. Their folders name the file by its
# path on the training machine, and most do not contain it.
_RELEASED = "cnn_50_100_512_4096_sample.json"
_OF_RELEASE = {
    "encoder": {
        "name": "elmo",
        "projection_dim": 512,
        "cell_clip": 3,
        "proj_clip": 3,
        "dim": 4096,
        "n_layers": 2,
    },
    "token_embedder": {
        "name": "cnn",
        "activation": "relu",
        "filters": [
            *([1, 32], [2, 32], [3, 64], [4, 128]),
            *([5, 256], [6, 512], [7, 1024]),
        ],
        "n_highway": 2,
        "word_dim": 100,
        "char_dim": 50,
        "max_characters_per_token": 50,
    },
}

_CLIP = Rule(
    "a number of at least 0, or null",
    lambda value: is_number(value) and value >= 0,
)
_OPTIONS = (
    Option(
        "encoder.name",
        "encoder",
        Rule(
            '"elmo": the LSTMs of "lstm" have no projection, which no encoder '
            "here supports",
            lambda value: isinstance(value, str) and value.lower() == "elmo",
        ),
    ),
    Option("encoder.dim", "hidden_dim", COUNT),
    Option("encoder.projection_dim", "projection_dim", COUNT),
    Option("encoder.n_layers", "num_layers", PARTS),
    Option("encoder.cell_clip", "cell_clip", _CLIP, None),
    Option("encoder.proj_clip", "projection_clip", _CLIP, None),
    Option(
        "token_embedder.name",
        "token_embedder",
        Rule(
            '"cnn": no layer here reads characters with an LSTM, as "lstm" '
            "does",
            lambda value: isinstance(value, str) and value.lower() == "cnn",
        ),
    ),
    Option(
        "token_embedder.activation",
        "activation",
        Rule('"relu" or "tanh"', lambda value: value in ("relu", "tanh")),
    ),
    Option("token_embedder.filters", "filters", FILTERS),
    Option("token_embedder.n_highway", "num_highways", PARTS_OR_NONE, 0),
    Option(
        "token_embedder.char_dim",
        "char_dim",
        Rule(
            "an integer of at least 1: models that read no characters are "
            "not supported",
            is_int,
        ),
    ),
    Option(
        "token_embedder.word_dim",
        "word_dim",
        Rule(
            "an integer of at least 0 (0 for no word embeddings)",
            lambda value: is_int(value, 0),
        ),
        0,
    ),
    Option(
        "token_embedder.max_characters_per_token", "max_characters", WORD_LENGTH
    ),
)


@dataclass(frozen=True)
class ManyLangsOptions:
    """The settings as arguments of `models.elmo_for_many_langs`."""

    model: dict[str, Any]
    max_characters: int
    word_dim: int
    """Features of the word embeddings; 0 for none."""


def is_many_langs(folder: Path) -> bool:
    """Returns whether a folder holds a model of ELMoForManyLangs."""
    return any((folder / name).is_file() for name in (CHARACTERS, WORDS))


def read_many_langs_options(folder: Path) -> ManyLangsOptions:
    """Reads the settings; one error lists all their problems."""
    path, content = _settings(folder)
    found, problems = read_table(content, _OPTIONS)
    if not problems:
        problems = _unfit(found)
    if problems:
        raise ValueError(
            f"`folder` must hold settings that can be read. Received: {path}, "
            "with problems:\n  " + "\n  ".join(problems)
        )
    for name in ("encoder", "token_embedder"):
        del found[name]
    # In ELMoForManyLangs, 0 also means no clipping.
    for name in ("cell_clip", "projection_clip"):
        found[name] = found[name] or None
    return ManyLangsOptions(
        max_characters=found.pop("max_characters"),
        word_dim=found.pop("word_dim"),
        model=found,
    )


def read_entries(path: Path, num_rows: int) -> list[str]:
    """Reads the entries of char.dic or word.dic in the order of their ids.

    Args:
        path: A file whose lines hold an entry, a tab and its id.
        num_rows: Rows of the embeddings that the file belongs to.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"`folder` must hold {path.name}. Received: {str(path)!r}, which "
            "does not exist. Get it from the archive of the model."
        )
    entries: dict[int, str] = {}
    names: dict[str, int] = {}
    number = 0
    with path.open(encoding="utf-8", newline="\n") as file:
        try:
            for number, line in enumerate(file, start=1):
                if number > num_rows:
                    break
                entry, index = _entry(line)
                if index in entries or entry in names:
                    raise ValueError("an entry or an id is repeated")
                if not 0 <= index < num_rows:
                    raise ValueError(
                        f"an id must be below {num_rows}, the number of rows "
                        "of its embeddings"
                    )
                entries[index] = entry
                names[entry] = index
        except ValueError as error:  # Includes invalid UTF-8.
            raise ValueError(
                f"{path}, line {number or 1}: {error}. Every line must be an "
                "entry, a tab and an id, and the file must belong to these "
                "weights."
            ) from error
    if number != num_rows:
        raise ValueError(
            f"{path}: the file must have {num_rows:,} lines, one for each row "
            "of the embeddings in token_embedder.safetensors. Received: "
            f"{'more' if number > num_rows else f'{number:,}'}. Use the file "
            "that belongs to these weights."
        )
    return [entries[index] for index in range(num_rows)]


def _entry(line: str) -> tuple[str, int]:
    parts = line.strip().split("\t")
    if len(parts) == 1:
        # ELMoForManyLangs strips the only blank entry, which is this one.
        parts.insert(0, "\u3000")
    if len(parts) != 2 or not parts[1].isdecimal() or len(parts[1]) > 18:
        raise ValueError(f"received {line[:80]!r}")
    return parts[0], int(parts[1])


def _settings(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Returns the path of the settings and its content."""
    path = folder / CONFIG
    content = _read(path)
    if "encoder" in content and "token_embedder" in content:
        return path, content  # This file holds the settings itself.
    named = content.get("config_path")
    # The path is of another machine, so only the file name counts.
    name = PureWindowsPath(named).name if isinstance(named, str) else ""
    if not name or "\0" in name:
        raise ValueError(
            f"{path}: `config_path` must name the settings file, such as "
            f"{_RELEASED}. Received: {str(named)[:100]!r}"
        )
    for found in (folder / name, folder / "configs" / name):
        if found.is_file():
            return found, _read(found)
    if name == _RELEASED:
        return path, _OF_RELEASE
    raise FileNotFoundError(
        f"{path}: `config_path` must name a file in the folder or in its "
        f"`configs`. Received: {name!r}, which is in neither. Copy it there "
        "from the project that trained the model."
    )


def _read(path: Path) -> dict[str, Any]:
    if path.is_file() and path.stat().st_size > _MOST_BYTES:
        raise ValueError(
            f"{path}: the file must have at most {_MOST_BYTES:,} bytes; "
            f"published files have a few hundred. Received: "
            f"{path.stat().st_size:,}"
        )
    return read_json(path, "folder")


def _unfit(found: dict[str, Any]) -> list[str]:
    """Lists the settings that the layers here do not support."""
    problems = []
    widest = max(width for width, _ in found["filters"])
    least = max(widest, 3)
    if found["max_characters"] < least:
        problems.append(
            "`token_embedder.max_characters_per_token` must be at least "
            f"{least}. Received: {found['max_characters']}"
        )
    count = sum(count for _, count in found["filters"])
    for key, size in (("encoder.dim", found["hidden_dim"]), ("filters", count)):
        if size == found["projection_dim"]:
            problems.append(
                f"`{key}` must differ from `encoder.projection_dim`: if they "
                "are equal, the layers here have no projection. "
                f"Received: {size} for both"
            )
    return problems
