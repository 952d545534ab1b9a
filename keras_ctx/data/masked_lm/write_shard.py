"""Writing the documents of one part as a file of records."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from keras_ctx.data.batching.schedule import mixed_seed
from keras_ctx.data.masked_lm.record_examples import pair_records
from keras_ctx.data.records.document_parts import distinct_documents
from keras_ctx.data.records.folder import finished_records, write_records
from keras_ctx.data.records.settings import RecordSettings


def write_shard(
    folder: str | Path,
    number: int,
    documents: Iterable[list[str]],
    settings: RecordSettings,
    text_inputs: Any = None,
) -> dict[str, Any]:
    """Writes one file of records, unless it exists already.

    Repeated documents are written once. The bytes of the file are a function
    of the documents, in any order, and of the settings.

    Args:
        folder: The folder of the file. Its name contains its number.
        number: Number of the file, from 0 to `num_shards - 1`.
        documents: All documents whose `document_part` is `number`. They are
            held in memory.
        settings: The settings of all files of the folder.
        text_inputs: A `BertInputs`. ELMo's records hold words, not ids, and
            need none.

    Returns:
        `name`, `bytes`, `records` and `counts` of the file, for
        `write_manifest`.

    Raises:
        ValueError: The text inputs do not match the settings.

    Example:
        >>> found = write_shard(
        ...     ".", 0, [["a b", "c"], ["a b", "c"]],
        ...     RecordSettings("elmo", "whitespace"))
        >>> found["records"], found["counts"]["duplicates"]
        (2, 1)
    """
    path = Path(folder) / settings.shard_name(number)
    if (done := finished_records(path)) is not None:
        return done
    if settings.kind == "bert":
        _check_inputs(settings, text_inputs)
    counts: Counter[str] = Counter()
    distinct, counts["duplicates"] = distinct_documents(
        documents, settings.seed
    )
    counts["documents"] = len(distinct)
    if settings.kind == "bert":
        seed = mixed_seed(settings.seed, "shard", number)
        records = pair_records(distinct, text_inputs, counts, settings, seed)
    else:
        records = _sentences(distinct, settings.split, counts)
    return write_records(path, records, counts)


def _check_inputs(settings: RecordSettings, text_inputs: Any) -> None:
    for name in ("split", "max_length"):
        now = getattr(text_inputs, name, None)
        if now != getattr(settings, name):
            raise ValueError(
                f"`text_inputs` must have the `{name}` of `settings`, "
                f"{getattr(settings, name)!r}. Received: {name}={now!r}"
            )


def _sentences(
    documents: list[list[str]], split: str, counts: Counter[str]
) -> Iterator[bytes]:
    """Yields the words of each sentence, separated by blanks."""
    for document in documents:
        for sentence in document:
            words = sentence.split()
            if split == "character":
                words = list("".join(words))
            counts["tokens"] += len(words)
            yield " ".join(words).encode()
