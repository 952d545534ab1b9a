"""The options of a recipe that learns to tag words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import keras

from keras_ctx import data, layers
from keras_ctx.fine_tuning.options.shared import (
    SAMPLE_SIZE,
    LabelledDataOptions,
)


@dataclass(frozen=True, kw_only=True)
class TaggingOptions(LabelledDataOptions):
    """Options of a tagger: how its files are read, and what its head is.

    Raises:
        ValueError: As of `LabelledDataOptions`; or options of the head that do
            not fit together.

    Example:
        >>> options = TaggingOptions(output=Path("one"), feature_based=True)
        >>> options.with_feature_based().lstm_dim
        256
    """

    columns: tuple[str, str] | None = None
    """Columns of the word and of the tag, counted from 0, or from the end with
    -1; in JSON their keys; left out: recognized."""
    encoding: str | None = None
    """Of all files of columns, such as latin-1; left out: UTF-8."""
    scheme: data.SchemeName | None = None
    """How the tags are written; left out: recognized."""
    tag_names: tuple[str, ...] | None = None
    """Names of tags that are numbers in the files, in their order."""
    max_length: int | None = None
    """Longer sentences are cut, in tokens; what is cut counts as "O". Left out:
    what the encoder takes, of the sample data 128."""
    feature_based: bool = False
    """Short for `--frozen --lstm-dim 256 --crf`."""
    mix_l2: float = 0.0
    """Penalty on the weights of the mixture; the paper's is 0.001."""
    lstm_dim: int | None = None
    """Cells a direction of a two-layer BiLSTM under the head; None: none."""
    crf: bool = False
    """Whether a conditional random field chooses the tags of a sentence."""
    constraints: bool = False
    """Whether it may choose only tags that the scheme allows one after the
    other, also in the exported model."""

    def __post_init__(self):
        if self.mix_l2 and self.mix != "scalar_mix":
            raise ValueError(
                '`mix_l2` needs `mix="scalar_mix"`. Received: '
                f"mix_l2={self.mix_l2}, mix={self.mix!r}"
            )
        if self.constraints and not (self.crf or self.feature_based):
            raise ValueError("`constraints` needs `crf`, which chooses tags.")
        if self.lora_rank is not None and (self.frozen or self.feature_based):
            raise ValueError("`lora_rank` trains the encoder: it is `frozen`.")
        super().__post_init__()

    def with_feature_based(self) -> Self:
        """The options that `feature_based` is short for, written out."""
        if not self.feature_based:
            return self
        lstm_dim = self.lstm_dim or 256
        return replace(self, frozen=True, lstm_dim=lstm_dim, crf=True)

    def read(self, paths: Mapping[str, Path | None]) -> data.TaggedFiles:
        """The files, with as many sentences of "train" as are asked for.

        Args:
            paths: By name; `None` is no file.
        """
        first = None
        if self.train is None:
            first = {"train": self.num_train or SAMPLE_SIZE}
        files = data.read_tagged_files(
            paths,
            self.columns,
            self.scheme,
            self.tag_names,
            first,
            self.encoding,
        )
        return files.sample(self.num_train)

    def mixture(self, encoder: keras.Model) -> Any:
        """What the head reads, as `models.tagger` takes it.

        Args:
            encoder: Under the head.
        """
        if self.mix != "scalar_mix":
            return self.mix
        depth = len(encoder.output["layers"])
        return layers.ScalarMix(
            depth, weights_l2=self.mix_l2, name="scalar_mix"
        )
