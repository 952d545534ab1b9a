"""Writes documents to a file of records, in any process."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from keras_ctx import data, text, training
from keras_ctx.pretraining.corpus.record_inputs import RECORD_INPUTS


@dataclass(frozen=True)
class ShardWriter:
    """Writer of the shards of a folder; it can be pickled.

    Args:
        folder: Folder of the records, after `save_record_inputs`.
        settings: Settings of the records.

    Example:
        >>> writer = ShardWriter(
        ...     Path("."), data.RecordSettings("elmo", "whitespace"))
        >>> writer(0, [["a b", "c"]])["records"]
        2
    """

    folder: Path
    settings: data.RecordSettings

    def __call__(
        self, number: int, documents: Iterable[list[str]]
    ) -> dict[str, Any]:
        """Writes a shard unless it exists; see `data.write_shard`.

        Args:
            number: Number of the shard.
            documents: Its documents.
        """
        return data.write_shard(
            self.folder, number, documents, self.settings, self.text_inputs
        )

    @property
    def text_inputs(self) -> text.TextInputs | None:
        """The text inputs of a BERT; `None` for ELMo, whose records are
        words."""
        if self.settings.kind == "elmo":
            return None
        path = self.folder / RECORD_INPUTS["bert"]
        return _loaded(path, training.file_digest(path))


@cache
def _loaded(path: Path, digest: str) -> text.TextInputs:
    """Loads a file once per process, unless the file changes."""
    del digest
    return text.load_inputs(path)
