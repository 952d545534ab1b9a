"""Resuming with the random numbers that would have come next."""

import json
from pathlib import Path

import keras

from keras_ctx.files import write_text
from keras_ctx.training.workers import is_chief


class BackupAndRestore(keras.callbacks.BackupAndRestore):
    """Keras's callback, and the states of all random number generators.

    Keras saves weights and optimizer; dropout would start from its first
    seed again, and a resumed run would end elsewhere than one that was never
    interrupted. Two checkpoints are kept, so that one survives a kill while
    the other is written. Of several workers the first one writes, and all of
    them read: they must see the folder.

    Args:
        backup_dir: Folder of the checkpoint, removed at the end of training.

    Example:
        >>> import tempfile
        >>> BackupAndRestore(tempfile.mkdtemp()).save_freq
        'epoch'
    """

    def __init__(self, backup_dir: str | Path):
        super().__init__(str(backup_dir), double_checkpoint=True)

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        path = self._seeds_path(completed_epochs(self.backup_dir))
        if path.exists():
            states = json.loads(path.read_text())
            for variable, state in zip(self._seeds(), states, strict=True):
                variable.assign(state)

    def on_epoch_end(self, epoch, logs=None):
        if not is_chief():
            return
        # Before the checkpoint that counts the epoch as done, so that its
        # seeds are there whenever it is.
        path = self._seeds_path(epoch + 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        states = [x.numpy().tolist() for x in self._seeds()]
        write_text(path, json.dumps(states))
        super().on_epoch_end(epoch, logs)
        self._seeds_path(epoch - 1).unlink(missing_ok=True)

    def on_train_end(self, logs=None):
        if is_chief():
            super().on_train_end(logs)

    def _seeds(self) -> list[keras.Variable]:
        return [
            x for x in self.model.variables if x.name == "seed_generator_state"
        ]

    def _seeds_path(self, epoch: int) -> Path:
        return Path(self.backup_dir) / f"seeds_{epoch}.json"


def completed_epochs(backup_dir: str | Path) -> int:
    """Whole epochs in the checkpoint of an interrupted run, or 0.

    A dataset that starts there gives a resumed run the batches that it would
    have seen without the interruption.

    Example:
        >>> completed_epochs("a folder that is not there")
        0
    """
    metadata = Path(backup_dir) / "training_metadata.json"
    if not metadata.exists():
        return 0
    return json.loads(metadata.read_text())["epoch"]
