"""Watches folders of models, each independently."""

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from keras_ctx.serving.rest.watched_model import (
    NoSuchVersion,
    WatchedModel,
    version_folders,
)
from keras_ctx.serving.verify.raw_answers import is_version


def check_model_folder(path: Path) -> None:
    """Refuses a path that cannot be a folder of models.

    An empty folder passes, because a model may be added later.

    Args:
        path: The path as the user gave it.

    Raises:
        ValueError: It is not a folder, or it is a SavedModel itself, or a run.

    Example:
        >>> check_model_folder(Path("none"))
        Traceback (most recent call last):
        ValueError: `models` must be folders. Received: models=none
    """
    if not path.is_dir():
        raise ValueError(f"`models` must be folders. Received: models={path}")
    found = "`models` must be folders with numbered versions, such as "
    found += "reviews/1/saved_model.pb, or folders of such folders. Received: "
    if (path / "saved_model.pb").is_file():
        here = path.absolute()
        advice = f"Give the folder around it, {here.parent}."
        if not is_version(path.name):
            advice = f"Move its content into {path / '1'}."
        raise ValueError(f"{found}models={path}, a version. {advice}")
    if (path / "model.keras").is_file():
        raise ValueError(
            f"{found}models={path}, a run. Export it: export_saved_model.py "
            f"--model {path} --output saved_models/{path.absolute().name}"
        )


class WatchedModels:
    """All models in some folders, watched by a thread.

    An error in one folder is printed once and does not affect the others. Of
    two models with the same name the first is served, and a note is printed.

    Args:
        folders: Folders of models, each with its versions; or folders of such
            folders.
        num_versions: Number of highest versions of a model to serve.
        labels: Versions by label.
        poll_seconds: Seconds between looks at the folders.

    Example:
        >>> models = WatchedModels([Path(".")])
        >>> models.refresh()
        >>> models.by_name
        {}
    """

    def __init__(
        self,
        folders: Sequence[Path],
        num_versions: int = 1,
        labels: dict[str, int] | None = None,
        poll_seconds: float = 1.0,
    ):
        # Absolute, in case the working directory changes.
        self.folders = [Path(os.path.abspath(path)) for path in folders]
        self.num_versions = num_versions
        self.labels = labels or {}
        self.poll_seconds = poll_seconds
        self.by_name: dict[str, WatchedModel] = {}
        self._said: dict[Path, str] = {}
        self._hidden: set[Path] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def refresh(self) -> None:
        """Looks at all folders once."""
        for path in self.folders:
            with self._alone(path):
                self._find_in(path)
        for model in self.by_name.values():
            with self._alone(model.folder):
                for line in model.refresh():
                    print(line, flush=True)

    def _find_in(self, path: Path) -> None:
        found = [path] if version_folders(path) else sorted(path.iterdir())
        for folder in found:
            with self._alone(folder):
                name = folder.name
                if not version_folders(folder):
                    continue
                if name not in self.by_name:
                    self.by_name[name] = WatchedModel(
                        name, folder, self.num_versions, self.labels
                    )
                elif folder not in self._hidden:
                    self._hidden.add(folder)
                    served = self.by_name[name].folder
                    # It may be the same folder, found by two paths.
                    if not folder.samefile(served):
                        print(
                            f"{folder}: not served, because {served} has the "
                            f"same name. Rename one of them.",
                            flush=True,
                        )

    @contextlib.contextmanager
    def _alone(self, folder: Path) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            said = str(error)
            if self._said.get(folder) != said:
                print(f"{folder}: cannot be read: {said}", flush=True)
            self._said[folder] = said
        else:
            self._said.pop(folder, None)

    def find(self, name: str) -> WatchedModel:
        if name not in self.by_name:
            raise NoSuchVersion(f"Servable not found for request: model {name}")
        return self.by_name[name]

    def states(self) -> list[tuple[str, str, str]]:
        """Returns name, version and state of each version, for people."""
        found = []
        for name, model in self.by_name.items():
            with contextlib.suppress(NoSuchVersion):  # just removed
                for each in model.status()["model_version_status"]:
                    state = each["state"].lower()
                    state = "not loaded" if state == "end" else state
                    found.append((name, each["version"], state))
        return found

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        for model in self.by_name.values():
            model.close()

    def _watch(self) -> None:
        while not self._stop.wait(self.poll_seconds):
            self.refresh()
