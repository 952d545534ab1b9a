"""Suggests the folder in which the next recipe writes."""

from pathlib import Path


def next_folder(folder: Path, ending: str) -> Path:
    """Returns a folder beside another, named after it.

    Args:
        folder: Folder of a run or of records.
        ending: Suffix of the new name.

    Example:
        >>> next_folder(Path("runs/bert"), "sentiment")
        PosixPath('runs/bert_sentiment')
    """
    if folder.name in ("", ".."):  # "." has no name of its own
        folder = folder.resolve()
    return folder.with_name(f"{folder.name}_{ending}")
