"""Settings that a folder of records depends on, besides its texts."""

from dataclasses import dataclass
from typing import Literal

from keras_ctx.checks import check_at_least


@dataclass(frozen=True)
class RecordSettings:
    """Settings of the records of a corpus. Equal settings give equal bytes.

    Args:
        kind: "bert" for sentence pairs of ids, "elmo" for sentences of words.
        split: How a text is split: "character", for BERT "wordpiece", for ELMo
            "whitespace".
        seed: The seed of the order, the text pairs and their labels.
        num_shards: Number of files of records. All documents of one file are
            in memory together.
        max_length: Maximum number of tokens of a text pair (BERT).
        short_seq_prob: See `sentence_pairs` (BERT).
        objective: See `sentence_pairs` (BERT).

    Raises:
        ValueError: A setting is out of range or does not suit the kind.

    Example:
        >>> RecordSettings("elmo", "whitespace").shard_name(0)
        'elmo-00000-of-00001.tfrecord'
    """

    kind: Literal["bert", "elmo"]
    split: Literal["character", "wordpiece", "whitespace"]
    seed: int = 1
    num_shards: int = 1
    max_length: int = 128
    short_seq_prob: float = 0.1
    objective: Literal["next_sentence", "sentence_order"] = "next_sentence"

    def __post_init__(self):
        kinds = {"bert": "wordpiece", "elmo": "whitespace"}
        if self.kind not in kinds:
            raise ValueError(
                f'`kind` must be "bert" or "elmo". Received: kind={self.kind!r}'
            )
        if self.split not in ("character", kinds[self.kind]):
            raise ValueError(
                f'`split` must be "character" or "{kinds[self.kind]}" for '
                f"{self.kind}. Received: split={self.split!r}"
            )
        check_at_least(1, num_shards=self.num_shards)
        check_at_least(0, seed=self.seed)
        if self.seed >= 2**63:
            raise ValueError(
                f"`seed` must be below 2**63. Received: seed={self.seed}"
            )
        check_at_least(5, max_length=self.max_length)

    def shard_name(self, number: int) -> str:
        return f"{self.kind}-{number:05d}-of-{self.num_shards:05d}.tfrecord"
