"""Documents to a file of records, in whichever process that is."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from keras_ctx import data, text, training
from keras_ctx.pretraining.corpus.record_inputs import RECORD_INPUTS


@dataclass(frozen=True)
class ShardWriter:
    """Writes the shards of a folder; it can be pickled.

    Args:
        folder: Of the records, with what `save_record_inputs` has written.
        settings: Of the records.

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
        """Write a shard, unless it is there; see `data.write_shard`.

        Args:
            number: Of the shard.
            documents: Those of it.
        """
        return data.write_shard(
            self.folder, number, documents, self.settings, self.text_inputs
        )

    @property
    def text_inputs(self) -> text.TextInputs | None:
        """Those of a BERT; ELMo's records hold words."""
        if self.settings.kind == "elmo":
            return None
        path = self.folder / RECORD_INPUTS["bert"]
        return _loaded(path, training.file_digest(path))


@cache
def _loaded(path: Path, digest: str) -> text.TextInputs:
    """Once a process, as long as the file is the same."""
    del digest
    return text.load_inputs(path)
