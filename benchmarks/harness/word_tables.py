"""Files of SST-2 and SNLI with blanks between their words."""

import gzip
from pathlib import Path

from keras_ctx.files.whole_file import write_text

from .english_words import words_of

COLUMNS = {
    "sst2": ("sentence", "label"),
    "snli": ("premise", "hypothesis", "label"),
}
_FILES = {
    "sst2": {"train": "train.tsv", "test": "test.tsv"},
    "snli": {"train": "validation.tsv.gz", "test": "test.tsv.gz"},
}


def word_tables(
    sources: dict[str, Path], folder: Path, rows: int | None = None
) -> dict[str, dict[str, Path]]:
    """Writes the tables of both tasks in words, where they are missing.

    Args:
        sources: The folders of "sst2" and "snli".
        folder: Folder of the tables.
        rows: Rows of a table; all by default.
    """
    found: dict[str, dict[str, Path]] = {}
    for task, files in _FILES.items():
        for part, name in files.items():
            path = folder / f"{task}_{part}.tsv"
            found.setdefault(task, {})[part] = path
            if not path.exists():
                head, *lines = _in_words(sources[task] / name)
                text = "".join(f"{x}\n" for x in [head, *lines[:rows]])
                path.parent.mkdir(parents=True, exist_ok=True)
                write_text(path, text)
    return found


def _in_words(path: Path) -> list[str]:
    """Returns the lines of a table, its texts in words."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        head, *rows = [line.rstrip("\n").split("\t") for line in file]
    return [
        "\t".join(head),
        *("\t".join([*map(words_of, x[:-1]), x[-1]]) for x in rows),
    ]
