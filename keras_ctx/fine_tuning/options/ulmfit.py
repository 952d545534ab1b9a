"""The options of fine-tuning as ULMFiT does, and their values by name."""

from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Literal, Self

import keras

from keras_ctx import models
from keras_ctx.checks import check_at_least

_BOTH: dict[str, Any] = {
    "mix": "last",
    "head": "concat_pooling",
    "learning_rate": 0.01,
    "layer_decay": 1 / 2.6,
    "gradual_unfreezing": True,
    "beta_2": 0.99,
    "drop_mult": 1.0,
    "bptt": 70,
}
ULMFIT = MappingProxyType(
    {
        "paper": {**_BOTH, "schedule": "slanted_triangular", "beta_1": 0.7},
        "scripts": {
            **_BOTH,
            "schedule": "slanted_triangular_stages",
            "unfreezing_stages": 3,
            "beta_1": 0.8,
            "weight_decay": 1e-6,
            "clip_norm": 25.0,
        },
    }
)
"""The options that `--ulmfit` stands for, by its value."""
# Those of fastai for a classifier.
_RATES = {
    "input_dropout": 0.4,
    "hidden_dropout": 0.3,
    "weight_dropout": 0.5,
    "word_dropout": 0.05,
}
_POOLED = 0.4


@dataclass(frozen=True, kw_only=True)
class ULMFiTOptions:
    """Options of fine-tuning an AWD-LSTM, or any encoder, as ULMFiT does.

    Raises:
        ValueError: A number is out of range, or `ulmfit_without` names no
            option of `ulmfit`; from `check_ulmfit`.

    Example:
        >>> ULMFiTOptions(ulmfit_without=("bptt",)).check_ulmfit()
        Traceback (most recent call last):
        ValueError: `ulmfit_without` needs `ulmfit`. ...
    """

    ulmfit: Literal["paper", "scripts"] | None = None
    """Fine-tunes as ULMFiT's paper or its released scripts, which differ: sets
    the options in the table of docs/howto/recurrent.md that you leave at their
    defaults."""
    ulmfit_without: tuple[str, ...] = ()
    """Names of options that `ulmfit` leaves at their defaults, such as
    layer_decay or gradual_unfreezing."""
    drop_mult: float | None = None
    """Factor of the dropout rates of an AWD-LSTM under a classifier: 0.4 of the
    embeddings, 0.3 between LSTMs, 0.5 of recurrent weights, 0.05 of tokens, 0.4
    of what concat_pooling pools. If not given: the rates of `init`, and 0.4."""
    bptt: int | None = None
    """Number of tokens of a window, after which gradients stop in an AWD-LSTM.
    It then reads texts of any length in constant memory (BPT3C); 70 in the
    paper. If not given: gradients pass through whole texts."""
    num_windows: int | None = None
    """With `bptt`: number of windows at the end of a text that the head reads.
    If not given: 20."""

    def check_ulmfit(self) -> None:
        """Refuses numbers and names that are out of range."""
        if self.ulmfit_without and self.ulmfit is None:
            raise ValueError(
                "`ulmfit_without` needs `ulmfit`. "
                f"Received: ulmfit_without={self.ulmfit_without}"
            )
        known = ULMFIT[self.ulmfit] if self.ulmfit else {}
        unknown = sorted({*self.ulmfit_without} - {*known})
        if unknown:
            raise ValueError(
                "`ulmfit_without` must name options among "
                f"{', '.join(known)}. Received: {', '.join(unknown)}"
            )
        if self.drop_mult is not None and not 0 <= self.drop_mult < 2:
            raise ValueError(
                "`drop_mult` must be at least 0 and below 2, since the highest "
                f"rate is 0.5. Received: drop_mult={self.drop_mult}"
            )
        if self.bptt is not None:
            check_at_least(1, bptt=self.bptt)
        if self.num_windows is not None:
            check_at_least(1, num_windows=self.num_windows)
            if self.with_ulmfit().bptt is None:
                raise ValueError(
                    "`num_windows` needs `bptt`, or `ulmfit`, which sets it. "
                    f"Received: num_windows={self.num_windows}"
                )

    def with_ulmfit(self) -> Self:
        """Returns the options that `ulmfit` stands for."""
        if self.ulmfit is None:
            return self
        defaults = {each.name: each.default for each in fields(self)}
        found = {
            name: value
            for name, value in ULMFIT[self.ulmfit].items()
            if name not in self.ulmfit_without
            and getattr(self, name) == defaults[name]
        }
        # They need gradual unfreezing.
        if "gradual_unfreezing" in self.ulmfit_without:
            found.pop("unfreezing_stages", None)
            if "schedule" in found:
                found["schedule"] = ULMFIT["paper"]["schedule"]
        return replace(self, **found, ulmfit=None, ulmfit_without=())

    @property
    def pooled_dropout(self) -> float:
        """The dropout rate of what the head concat_pooling pools."""
        return _POOLED * (1.0 if self.drop_mult is None else self.drop_mult)

    def of_encoder(self, encoder: keras.Model) -> keras.Model:
        """Returns the encoder with these options' dropout rates and windows.

        Args:
            encoder: Any encoder.

        Raises:
            ValueError: It is not an AWD-LSTM, and an option is for one.
        """
        if self.drop_mult is None and self.bptt is None:
            return encoder
        if models.family_of(encoder) is not models.AWD_LSTM:
            raise ValueError(
                "`drop_mult` and `bptt` need an AWD-LSTM in `init`; with "
                "`ulmfit`, leave them out by `ulmfit_without`. Received: "
                f"{encoder.name!r}, drop_mult={self.drop_mult}, "
                f"bptt={self.bptt}"
            )
        if (factor := self.drop_mult) is not None:
            rates = {name: rate * factor for name, rate in _RATES.items()}
            encoder = models.awd_lstm_with_dropout(encoder, **rates)
        if self.bptt is None:
            return encoder
        sizes = {"bptt": self.bptt}
        if self.num_windows is not None:
            sizes["num_windows"] = self.num_windows
        return models.awd_lstm_document_encoder(
            encoder, **sizes, name=encoder.name
        )
