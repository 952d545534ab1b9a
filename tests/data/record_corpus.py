"""A small corpus and its records."""

from pathlib import Path
from typing import Any

from keras_ctx.data import RecordSettings, write_manifest, write_shard
from keras_ctx.text import BertInputs, character_vocabulary

WORDS = "春天花开他在读书风雨山水日月人心手足"
DOCUMENTS = [
    [
        "".join(WORDS[(7 * i + 3 * j + k * k) % len(WORDS)] for k in range(n))
        + str(i % 10)
        for j, n in enumerate((3, 6, 4, 5)[: 2 + i % 3])
    ]
    for i in range(60)
]
BERT = RecordSettings("bert", "character", num_shards=2, max_length=24)
ELMO = RecordSettings("elmo", "character", num_shards=2)


def bert_inputs(max_length: int = 24, **options: Any) -> BertInputs:
    vocabulary = character_vocabulary([*WORDS, "0123456789"])
    settings = {"split": "character", "padding": "max_length", **options}
    return BertInputs(vocabulary, max_length, **settings)


def write_folder(folder: Path, settings: RecordSettings = BERT) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    inputs = bert_inputs() if settings.kind == "bert" else None
    halves = [DOCUMENTS[:35], DOCUMENTS[35:]]
    files = [
        write_shard(folder, number, documents, settings, inputs)
        for number, documents in enumerate(halves)
    ]
    write_manifest(folder, settings, {"texts": "made up"}, inputs, {}, files)
    return folder
