"""Writes the models and JSON files of a run, whole or not at all."""

import re
from pathlib import Path

import keras

from keras_ctx.files.json_text import json_text
from keras_ctx.files.whole_file import whole_file, write_text

SETTINGS, _TEXT_INPUTS = "settings.json", "text_inputs.json"


def run_folder(folder: str | Path) -> Path:
    """Returns the folder of the run that contains the folder of a seed.

    Args:
        folder: Folder of a seed, such as `RUN/pretrained/seed_2`, which has
            only the model of that seed; or any other folder.

    Returns:
        The parent folder with `settings.json`, or `folder` itself if it is not
        that of a seed.

    Example:
        >>> Path("run/pretrained/seed_2").mkdir(parents=True)
        >>> _ = Path("run/settings.json").write_text("{}")
        >>> run_folder("run/pretrained/seed_2").name
        'run'
    """
    folder = Path(folder)
    whole = folder.resolve()
    alone = (folder / _TEXT_INPUTS).is_file()
    if re.fullmatch(r"seed_\d+", whole.name) and not alone:
        # A run with an untrained twin has a folder in between.
        for above in whole.parents[:2]:
            if (above / SETTINGS).is_file():
                return above
    return folder


def save_model(model: keras.Model, path: str | Path) -> Path:
    """Writes a `.keras` file under a temporary name, then renames it.

    Args:
        model: Any Keras model.
        path: Path that ends in `.keras`; its folder is created.

    Returns:
        The path.

    Raises:
        ValueError: The path does not end in `.keras`.
        OSError: The folder cannot be written.

    Example:
        >>> import tempfile
        >>> from keras_ctx.models import bert_tiny
        >>> path = Path(tempfile.mkdtemp()) / "encoder.keras"
        >>> save_model(bert_tiny(100), path).name
        'encoder.keras'
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise ValueError(f"`path` must end in `.keras`. Received: {path}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        model.save(temporary)
    return path


def save_json(content: dict, path: str | Path) -> Path:
    """Writes JSON under a temporary name, then renames it.

    NaN is written as null, infinities as the strings "Infinity" and
    "-Infinity", paths as strings.

    Example:
        >>> import tempfile
        >>> save_json({"f1": 0.5}, Path(tempfile.mkdtemp()) / "a.json").name
        'a.json'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json_text(content, indent=2) + "\n")
    return path
