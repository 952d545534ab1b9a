"""Where the next recipe writes."""

from pathlib import Path


def next_folder(folder: Path, ending: str) -> Path:
    """A folder beside another, named after it.

    Args:
        folder: Of a run or of records.
        ending: Stands behind its name.

    Example:
        >>> next_folder(Path("runs/bert"), "sentiment")
        PosixPath('runs/bert_sentiment')
    """
    if folder.name in ("", ".."):  # "." has no name of its own
        folder = folder.resolve()
    return folder.with_name(f"{folder.name}_{ending}")
