"""The options of a tagging recipe."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import keras

from keras_ctx import data, layers
from keras_ctx.fine_tuning.options.recurrent import StoredContextOptions
from keras_ctx.fine_tuning.options.shared import (
    SAMPLE_SIZE,
    LabelledDataOptions,
)


@dataclass(frozen=True, kw_only=True)
class TaggingOptions(StoredContextOptions, LabelledDataOptions):
    """Options of a tagger: how to read its files, and its head.

    Raises:
        ValueError: See `LabelledDataOptions`; or options of the head that
            contradict each other.

    Example:
        >>> options = TaggingOptions(output=Path("one"), feature_based=True)
        >>> options.with_feature_based().lstm_dim
        256
    """

    columns: tuple[str, str] | None = None
    """Columns of the word and the tag, counted from 0, or from the end with -1;
    in JSON their keys. If not given: detected."""
    encoding: str | None = None
    """Encoding of all column files, such as latin-1. If not given: UTF-8."""
    scheme: data.SchemeName | None = None
    """Tag scheme of the files, such as IOB2. If not given: detected."""
    model_scheme: Literal["IOB2", "BIOES"] = "IOB2"
    """Tag scheme inside the model, whatever the scheme of the files: BIOES
    (IOBES) also marks the last word of a span, and a span of one word."""
    tag_names: tuple[str, ...] | None = None
    """Names of the tags in order, if the files have numbers as tags."""
    max_length: int | None = None
    """Longest sentence, in tokens; longer ones are cut, and the words cut off
    count as "O". If not given: what the encoder takes; 128 for the sample
    data."""
    feature_based: bool = False
    """Short for `--frozen --lstm-dim 256 --crf`."""
    mix_l2: float = 0.0
    """L2 penalty on the weights of the mixture; 0.001 in the paper."""
    lstm_dim: int | None = None
    """Cells per direction of a two-layer BiLSTM under the head; None: no
    LSTM."""
    crf: bool = False
    """Whether a conditional random field chooses the tags of a sentence."""
    constraints: bool = False
    """Whether the CRF may choose only tag sequences that the scheme allows;
    also in the exported model."""

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
        if self.is_recurrent and self.feature_based:
            raise ValueError(
                "`feature_based` is for an encoder without `recurrent_layers` "
                "and `context`: give a frozen encoder as `context`."
            )
        self.check_stored(self)
        super().__post_init__()

    def with_feature_based(self) -> Self:
        """Returns the options that `feature_based` stands for."""
        if not self.feature_based:
            return self
        lstm_dim = self.lstm_dim or 256
        return replace(self, frozen=True, lstm_dim=lstm_dim, crf=True)

    def read(self, paths: Mapping[str, Path | None]) -> data.TaggedFiles:
        """Reads the files, with at most `num_train` sentences of "train".

        Args:
            paths: Paths by name; `None` means no file.
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
        files = files._replace(model_scheme=self.model_scheme)
        return files.sample(self.num_train)

    def layer_mixture(self, encoder: keras.Model) -> Any:
        if self.mix != "scalar_mix":
            return self.mix
        depth = len(encoder.output["layers"])
        return layers.ScalarMix(
            depth, weights_l2=self.mix_l2, name="scalar_mix"
        )
