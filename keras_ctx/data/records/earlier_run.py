"""What an earlier run has left in a folder of records."""

from pathlib import Path

from keras_ctx.data.records.folder import MANIFEST, RecordFolder, open_records
from keras_ctx.data.records.shards import SURVEY


def finished_folder(folder: str | Path, kind: str) -> RecordFolder | None:
    """The records of a folder that is finished and whole, or `None`.

    Where a file is damaged or missing, that is said, and the folder is no
    longer a finished one: what is not whole is made anew. Half files of a run
    that was killed are removed.

    Args:
        folder: Of the records.
        kind: "bert" or "elmo".

    Example:
        >>> from keras_ctx import data
        >>> settings = data.RecordSettings("elmo", "whitespace")
        >>> Path("left").mkdir()
        >>> shard = data.write_shard("left", 0, [["a b", "c"]], settings)
        >>> _ = data.write_manifest("left", settings, {}, None, {}, [shard])
        >>> finished_folder("left", "elmo").num_records
        2
        >>> Path("left", shard["name"]).unlink()
        >>> finished_folder("left", "elmo")
        `folder` must hold all files of its manifest. Missing: ...
        >>> Path("left/manifest.json").exists()
        False
    """
    folder = Path(folder)
    manifest = folder / MANIFEST
    if manifest.exists():
        try:
            return open_records(folder, whole=True)
        except (FileNotFoundError, ValueError) as error:
            print(error)
            manifest.unlink()
            (folder / SURVEY).unlink(missing_ok=True)
    for path in folder.glob(f".*.{kind}-*"):
        path.unlink()
    return None
