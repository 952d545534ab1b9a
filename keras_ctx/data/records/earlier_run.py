"""The state that an earlier run left in a folder of records."""

from pathlib import Path

from keras_ctx.data.records.folder import MANIFEST, RecordFolder, open_records
from keras_ctx.data.records.shards import SURVEY


def finished_folder(folder: str | Path, kind: str) -> RecordFolder | None:
    """Returns the records of a finished, complete folder, or `None`.

    If a file is damaged or missing, this prints a message and removes the
    manifest, so that the incomplete files are written again. Partial files of
    a killed run are removed.

    Args:
        folder: The folder of records.
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
