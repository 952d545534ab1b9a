"""Every public layer, as a case for the laws of this folder.

Axes, one letter each: B batch, T tokens, M chosen positions, S a marked row
(T + 2), K last tokens, D features, C characters, V vocabulary, W distinct
words, N negatives.
B, T, K and M are dynamic in models. All cases have 3 rows of 5 tokens, 5, 3
and 1 of them real.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import pytest

from keras_ctx import layers
from keras_ctx.layers.outputs.pooling import MODES

LENGTHS = (5, 3, 1)
B, T = 3, 5


@dataclass(frozen=True)
class Argument:
    """An argument of `call`."""

    value: np.ndarray
    axes: str
    """One letter for each axis; "" without a batch axis."""
    pad: float = 7.0
    """Value at padding along T: the worst that the layer must accept."""


@dataclass(frozen=True)
class Case:
    """A layer with its arguments."""

    name: str
    create: Callable[..., keras.layers.Layer]
    arguments: dict[str, Argument | list[Argument]]
    outputs: tuple[str, ...] = ("BTD",)
    """The axes of each output."""
    dtype: str | tuple[str, ...] = "compute"
    """Dtype of all outputs, or of each; "compute" for the policy's."""
    call: dict[str, Any] = field(default_factory=dict)
    """Further arguments of `call` that are not tensors."""
    exempt: dict[str, str] = field(default_factory=dict)
    """Laws that the layer cannot obey, with the reason."""
    variant: bool = False
    """Whether the layer is that of another case with other options. Laws that
    take seconds per case test variants only in the slow tests."""
    no_gradient: dict[str, str] = field(default_factory=dict)
    """Weights whose gradient is always 0, with the reason."""

    @property
    def flat_arguments(self) -> dict[str, Argument]:
        flat = {}
        for name, value in self.arguments.items():
            if isinstance(value, list):
                flat |= {f"{name}_{i}": each for i, each in enumerate(value)}
            else:
                flat[name] = value
        return flat

    def nested(self, flat: dict[str, Any]) -> dict[str, Any]:
        """Converts tensors by the names of `flat_arguments` for `call`."""
        return {
            name: [flat[f"{name}_{i}"] for i in range(len(value))]
            if isinstance(value, list)
            else flat[name]
            for name, value in self.arguments.items()
        }


def _random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def _integers(high: int, *shape: int, low: int = 0) -> np.ndarray:
    return np.random.default_rng(1).integers(low, high, shape).astype("int32")


def vectors(seed: int = 0, features: int = 6) -> Argument:
    return Argument(_random(B, T, features, seed=seed), "BTD")


def padding_mask() -> Argument:
    real = np.arange(T)[None] < np.array(LENGTHS)[:, None]
    return Argument(real, "BT", pad=False)


def char_ids(characters: int = 6) -> Argument:
    ids = _integers(262, B, T, characters, low=1)
    ids *= padding_mask().value[..., None]
    return Argument(ids, "BTC", pad=0)


def short_words(characters: int = 12) -> Argument:
    """Returns words that fill less than half of their rows."""
    ids = char_ids(characters).value
    ids[..., 2:] = 261 * padding_mask().value[..., None]
    return Argument(ids, "BTC", pad=0)


def token_ids(high: int = 11) -> Argument:
    return Argument(_integers(high, B, T), "BT", pad=1)


def word_ids() -> Argument:
    ids = _integers(11, B, T, low=1) * padding_mask().value
    return Argument(ids, "BT", pad=0)


def text_ids() -> Argument:
    """Returns rows of 3, 2 and 1 texts."""
    ids = np.array([[1, 1, 2, 3, 3], [1, 2, 2, 0, 0], [1, 0, 0, 0, 0]])
    return Argument(ids.astype("int32"), "BT", pad=0)


ATTENTION_MASK = Argument(np.tril(np.ones((B, T, T), bool)), "BTT", pad=True)
KEY_BIAS = {
    "attention/key/bias": "a shift of all keys shifts all scores of a query "
    "alike, which the softmax takes away"
}

_TOKENS_MOVE = {"alone": "a row's tokens stand first in the outputs"}
CASES = [
    Case(
        "ActivationPenalty",
        lambda **k: layers.ActivationPenalty(**k),
        {
            "inputs": vectors(),
            "dropped": vectors(1),
            "padding_mask": padding_mask(),
        },
    ),
    Case(
        "AddMarkerIds",
        lambda **k: layers.AddMarkerIds(3, 5, **k),
        {"word_ids": word_ids()},
        outputs=("BS",),
        dtype="int32",
        exempt={"policies": "integers in, integers out: it computes in int32"},
    ),
    Case(
        "AddSentenceMarkers",
        lambda **k: layers.AddSentenceMarkers(6, **k),
        {"char_ids": char_ids()},
        outputs=("BSC",),
        dtype="int32",
        exempt={"policies": "integers in, integers out: it computes in int32"},
    ),
    Case(
        "AttentionalLSTMDecoder",
        lambda **k: layers.AttentionalLSTMDecoder(4, dropout=0.5, **k),
        {
            "inputs": vectors(),
            "encoder_sequence": Argument(_random(B, 4, 5, seed=1), "BMD"),
            "initial_state": [
                Argument(_random(B, 4, seed=seed), "BD")
                for seed in (1, 2, 3, 4)
            ],
            "padding_mask": padding_mask(),
        },
    ),
    Case(
        "AttentionalLSTMDecoder with a cache and scores",
        lambda **k: layers.AttentionalLSTMDecoder(4, 1, **k),
        {
            "inputs": vectors(),
            "encoder_sequence": Argument(_random(B, 4, 5, seed=1), "BMD"),
            "padding_mask": padding_mask(),
        },
        outputs=("BTD", "BD", "BD", "BD", "BMD", "BMD", "BHTM"),
        call={"return_cache": True, "return_attention_scores": True},
        variant=True,
    ),
    Case(
        "BiLM",
        lambda **k: layers.BiLM(8, 3, cell_clip=0.3, projection_clip=0.2, **k),
        {"inputs": vectors(features=3), "padding_mask": padding_mask()},
        outputs=("BTD", "BTD"),
    ),
    Case(
        "BiLM without clips, residual, projection",
        lambda **k: layers.BiLM(3, 3, 1, None, None, False, **k),
        {"inputs": vectors(features=2), "padding_mask": padding_mask()},
        variant=True,
    ),
    Case(
        "BiLM with dropout",
        lambda **k: layers.BiLM(8, 3, num_layers=1, dropout=0.5, **k),
        {"inputs": vectors(features=2), "padding_mask": padding_mask()},
        variant=True,
    ),
    Case(
        "BiLM with a text of its own for the backward stack",
        lambda **k: layers.BiLM(8, 3, cell_clip=0.3, projection_clip=0.2, **k),
        {
            "inputs": vectors(features=3),
            "padding_mask": padding_mask(),
            "backward_inputs": vectors(seed=1, features=3),
        },
        outputs=("BTD", "BTD"),
        variant=True,
    ),
    Case(
        "BiLM with measured first states",
        lambda **k: layers.BiLM(
            8,
            3,
            cell_clip=0.3,
            projection_clip=0.2,
            initial_state="measured",
            **k,
        ),
        {"inputs": vectors(features=3), "padding_mask": padding_mask()},
        outputs=("BTD", "BTD"),
        variant=True,
    ),
    Case(
        "BiLM, stateful",
        lambda **k: layers.BiLM(8, 3, stateful=True, max_batch_size=4, **k),
        {"inputs": vectors(features=3), "padding_mask": padding_mask()},
        outputs=("BTD", "BTD"),
        exempt={
            "alone": "a row goes on from the state of its place in the batch, "
            "and alone it stands in the first"
        },
        variant=True,
    ),
    Case(
        "CRF",
        lambda **k: layers.CRF(6, **k),
        {"inputs": vectors(), "padding_mask": padding_mask()},
        outputs=("BTVV", "BTV", "BT"),
        dtype=("float32 at least", "float32 at least", "int32"),
    ),
    Case(
        "CRF of one tag, without mask",
        lambda **k: layers.CRF(1, **k),
        {"inputs": vectors(features=1)},
        outputs=("BTVV", "BTV", "BT"),
        dtype=("float32 at least", "float32 at least", "int32"),
        exempt={"padding": "without a mask all tokens are real"},
        no_gradient={
            name: "the only path has probability 1, whatever its score"
            for name in ("transitions", "start", "end")
        },
        variant=True,
    ),
    Case(
        "CharCNNHighway",
        lambda **k: layers.CharCNNHighway([(1, 4), (3, 5)], 4, 3, **k),
        {"char_ids": char_ids()},
    ),
    Case(
        "CharCNNHighway of short words",
        lambda **k: layers.CharCNNHighway([(1, 4), (3, 5)], 4, 3, **k),
        {"char_ids": short_words()},
        variant=True,
    ),
    Case(
        "CharCNNHighway without highway, projection",
        lambda **k: layers.CharCNNHighway(
            [(2, 4)], 4, 3, 0, activation="tanh", **k
        ),
        {"char_ids": char_ids()},
        variant=True,
    ),
    Case(
        "DocumentLSTM",
        lambda **k: layers.DocumentLSTM(
            11, 4, [3, 4], bptt=2, num_windows=3, **k
        ),
        {"token_ids": token_ids(), "padding_mask": padding_mask()},
        outputs=("BKD", "BKD", "BKD", "BK"),
        dtype=("compute", "compute", "compute", "bool"),
        exempt=_TOKENS_MOVE,
    ),
    Case(
        "DocumentLSTM of long rows",
        lambda **k: layers.DocumentLSTM(
            11, 4, [3, 4], bptt=1, num_windows=3, **k
        ),
        {"token_ids": token_ids(), "padding_mask": padding_mask()},
        outputs=("BKD", "BKD", "BKD", "BK"),
        dtype=("compute", "compute", "compute", "bool"),
        exempt=_TOKENS_MOVE,
        variant=True,
    ),
    Case(
        "GatherPositions",
        lambda **k: layers.GatherPositions(**k),
        {
            "inputs": vectors(),
            "positions": Argument(_integers(1, B, 4), "BM"),
        },
        outputs=("BMD",),
    ),
    Case(
        "HighwayLSTM",
        lambda **k: layers.HighwayLSTM(7, 0.5, **k),
        {"inputs": vectors(), "padding_mask": padding_mask()},
    ),
    Case(
        "HighwayLSTM in reverse",
        lambda **k: layers.HighwayLSTM(4, reverse=True, **k),
        {"inputs": vectors(), "padding_mask": padding_mask()},
        variant=True,
    ),
    Case(
        "EncoderDropout",
        lambda **k: layers.EncoderDropout(0.5, **k),
        {"inputs": vectors()},
    ),
    Case(
        "LockedDropout",
        lambda **k: layers.LockedDropout(0.5, **k),
        {"inputs": vectors()},
    ),
    Case(
        "MaskedMean",
        lambda **k: layers.MaskedMean(**k),
        {"inputs": vectors(), "padding_mask": padding_mask()},
        outputs=("BD",),
    ),
    Case(
        "PackedTexts",
        lambda **k: layers.PackedTexts(3, **k),
        {"text_ids": text_ids()},
        outputs=("BT", "BTT"),
        dtype=("int32", "bool"),
        exempt={"policies": "integers in, integers and booleans out"},
    ),
    Case(
        "PaddingMask",
        lambda **k: layers.PaddingMask(**k),
        {"ids": char_ids()},
        outputs=("BT",),
        dtype="bool",
    ),
    Case(
        "PaddingMask of words",
        lambda **k: layers.PaddingMask(**k),
        {"ids": word_ids()},
        outputs=("BT",),
        dtype="bool",
        variant=True,
    ),
    *(
        Case(
            f"Pooling {name}",
            lambda modes=modes, skipped=skipped, **k: layers.Pooling(
                modes, skipped, **k
            ),
            {"inputs": vectors(), "padding_mask": padding_mask()},
            outputs=("BD",),
            variant=name != "all modes",
        )
        for name, modes, skipped in (
            ("all modes", MODES, 0),
            ("cls", "cls", 0),
            ("behind a prompt", ("weighted_mean", "last", "max"), 1),
        )
    ),
    Case(
        "NegativeSampling",
        lambda **k: layers.NegativeSampling(11, 3, **k),
        {
            "inputs": Argument(_random(B, 4), "BD"),
            "targets": Argument(np.array([4, 10, 0], "int32"), "B"),
            "negative_ids": Argument(np.array([4, 0, 2, 9], "int32"), "N"),
        },
        outputs=("B",),
        dtype="float32 at least",
        exempt={"padding": "a row is one vector"},
    ),
    Case(
        "ProjectedLSTMCell",
        lambda **k: layers.ProjectedLSTMCell(8, 3, 0.3, 0.2, **k),
        {
            "inputs": Argument(_random(B, 4), "BD"),
            "states": [
                Argument(_random(B, 3, seed=1), "BD"),
                Argument(_random(B, 8, seed=2), "BD"),
            ],
        },
        outputs=("BD", "BD", "BD"),
        exempt={"padding": "one step has no tokens"},
    ),
    Case(
        "ProjectedLSTMCell in RNN",
        lambda **k: keras.layers.RNN(
            layers.ProjectedLSTMCell(8, 3, 0.3, 0.2, **k),
            return_sequences=True,
            **k,
        ),
        {"sequences": vectors(features=4)},
        variant=True,
    ),
    Case(
        "SampledSoftmax",
        lambda **k: layers.SampledSoftmax(11, **k),
        {"inputs": vectors(), "targets": token_ids()},
        outputs=("BT",),
        dtype="float32 at least",
    ),
    Case(
        "SampledSoftmax in training",
        lambda **k: layers.SampledSoftmax(11, **k),
        {
            "inputs": vectors(),
            "targets": token_ids(),
            "negative_ids": Argument(np.array([4, 0, 2, 9], "int32"), "N"),
        },
        outputs=("BT",),
        dtype="float32 at least",
        call={"training": True},
        exempt={
            "export": "Keras exports the first axis of every input as dynamic "
            "(its batch), and the number of negatives must be known; models "
            "give it one"
        },
        variant=True,
    ),
    Case(
        "ScalarMix",
        lambda **k: layers.ScalarMix(3, **k),
        {"layers": [vectors(0), vectors(1), vectors(2)]},
    ),
    Case(
        "ScalarMix with norm",
        lambda **k: layers.ScalarMix(
            2, layer_norm=True, trainable_scale=False, **k
        ),
        {
            "layers": [vectors(0), vectors(1)],
            "padding_mask": padding_mask(),
        },
        exempt={
            "alone": "its mean and variance are those of the whole batch, as "
            "in the paper's code"
        },
        variant=True,
    ),
    Case(
        "ScalarMix with allennlp's norm and a penalty",
        lambda **k: layers.ScalarMix(2, "allennlp", weights_l2=0.1, **k),
        {
            "layers": [vectors(0), vectors(1)],
            "padding_mask": padding_mask(),
        },
        exempt={"alone": "as for the norm above"},
        variant=True,
    ),
    *(
        Case(
            f"SinePositions, {form}",
            lambda form=form, **k: layers.SinePositions(form, **k),
            {"inputs": vectors()},
            variant=form != "interleaved",
        )
        for form in ("interleaved", "halves", "tensor2tensor")
    ),
    Case(
        "SinePositions of given positions",
        lambda **k: layers.SinePositions(**k),
        {"inputs": vectors(), "position_ids": token_ids()},
        variant=True,
    ),
    Case(
        "StripSentenceMarkers",
        lambda **k: layers.StripSentenceMarkers(**k),
        {
            "inputs": Argument(_random(B, T + 2, 4), "BTD"),
            "padding_mask": padding_mask(),
        },
    ),
    Case(
        "TakeRows",
        lambda **k: layers.TakeRows(**k),
        {
            "table": Argument(_random(7, 4), "WD"),
            "ids": token_ids(high=7),
        },
    ),
    *(
        Case(
            f"TextPooling {mode}",
            lambda mode=mode, **k: layers.TextPooling(3, mode, **k),
            {"inputs": vectors(), "text_ids": text_ids()},
            outputs=("BND",),
            variant=mode == "cls",
        )
        for mode in ("mean", "cls")
    ),
    Case(
        "TokenAndPositionEmbedding",
        lambda **k: layers.TokenAndPositionEmbedding(11, 6, 9, **k),
        {"token_ids": token_ids()},
    ),
    Case(
        "TokenAndPositionEmbedding of sines",
        lambda **k: layers.TokenAndPositionEmbedding(
            11, 6, 9, "halves", True, zero_id=0, **k
        ),
        {"token_ids": token_ids(), "position_ids": token_ids(high=9)},
        variant=True,
    ),
    Case(
        "TokenAndSegmentEmbedding",
        lambda **k: layers.TokenAndSegmentEmbedding(11, 6, 9, **k),
        {"token_ids": token_ids(), "segment_ids": token_ids(high=2)},
    ),
    Case(
        "TokenAndSegmentEmbedding without segments",
        lambda **k: layers.TokenAndSegmentEmbedding(11, 6, 9, **k),
        {"token_ids": token_ids()},
        variant=True,
    ),
    Case(
        "TokenAndSegmentEmbedding with positions",
        lambda **k: layers.TokenAndSegmentEmbedding(11, 6, 9, **k),
        {
            "token_ids": token_ids(),
            "segment_ids": token_ids(high=2),
            "position_ids": token_ids(high=9),
        },
        variant=True,
    ),
    Case(
        "TransformerDecoderBlock",
        lambda **k: layers.TransformerDecoderBlock(2, 10, **k),
        {"inputs": vectors(), "padding_mask": padding_mask()},
        no_gradient=KEY_BIAS,
    ),
    Case(
        "TransformerDecoderBlock with cross-attention and scores",
        lambda **k: layers.TransformerDecoderBlock(
            3,
            10,
            activation="silu",
            norm_first=True,
            attention_bias=False,
            cross_attention=True,
            **k,
        ),
        {
            "inputs": vectors(),
            "encoder_sequence": Argument(_random(B, 4, 5, seed=1), "BMD"),
            "padding_mask": padding_mask(),
        },
        outputs=("BTD", "BHTT", "BHTM"),
        call={"return_attention_scores": True},
        variant=True,
    ),
    Case(
        "TransformerDecoderBlock with a cache",
        lambda **k: layers.TransformerDecoderBlock(2, 10, **k),
        {
            "inputs": vectors(),
            "padding_mask": padding_mask(),
            "cache": [
                Argument(_random(B, 2, 8, 3, seed=seed), "BHPE")
                for seed in (1, 2)
            ],
            "positions": Argument(np.array([0, 3, 1], "int32"), "B"),
        },
        outputs=("BTD", "BHPE", "BHPE"),
        exempt={"alone": "with a cache, padding stands behind the real tokens"},
        variant=True,
    ),
    Case(
        "TransformerEncoderBlock",
        lambda **k: layers.TransformerEncoderBlock(2, 10, **k),
        {"inputs": vectors(), "padding_mask": padding_mask()},
        no_gradient=KEY_BIAS,
    ),
    Case(
        "TransformerEncoderBlock, norm first, with all masks and scores",
        lambda **k: layers.TransformerEncoderBlock(
            3, 10, activation="gelu_tanh", norm_first=True, **k
        ),
        {
            "inputs": vectors(),
            "padding_mask": padding_mask(),
            "attention_mask": ATTENTION_MASK,
        },
        outputs=("BTD", "BHTT"),
        call={"return_attention_scores": True},
        no_gradient=KEY_BIAS,
        variant=True,
    ),
    Case(
        "TransformerEncoderBlock, computed again in backpropagation",
        lambda **k: layers.TransformerEncoderBlock(
            2,
            10,
            dropout=0.0,
            attention_dropout=0.0,
            max_length=9,
            gradient_checkpointing=True,
            **k,
        ),
        {"inputs": vectors(), "padding_mask": padding_mask()},
        call={"training": True},
        no_gradient=KEY_BIAS,
        variant=True,
    ),
    Case(
        "VocabularyBias",
        lambda **k: layers.VocabularyBias(**k),
        {"inputs": vectors()},
    ),
    Case(
        "WeightDroppedLSTM",
        lambda **k: layers.WeightDroppedLSTM(7, 0.5, **k),
        {"inputs": vectors(), "padding_mask": padding_mask()},
    ),
    Case(
        "WeightDroppedLSTM in reverse, from a state",
        lambda **k: layers.WeightDroppedLSTM(
            4, reverse=True, return_state=True, **k
        ),
        {
            "inputs": vectors(),
            "padding_mask": padding_mask(),
            "initial_state": [
                Argument(_random(B, 4, seed=seed), "BD") for seed in (1, 2)
            ],
        },
        outputs=("BTD", "BD", "BD"),
        variant=True,
    ),
    Case(
        "WeightDroppedLSTM, stateful",
        lambda **k: layers.WeightDroppedLSTM(
            4, stateful=True, max_batch_size=4, **k
        ),
        {"inputs": vectors(), "padding_mask": padding_mask()},
        exempt={"alone": "as for a stateful BiLM"},
        variant=True,
    ),
    Case(
        "WordDropoutEmbedding",
        lambda **k: layers.WordDropoutEmbedding(11, 4, 0.5, **k),
        {"token_ids": token_ids()},
    ),
    Case(
        "WordEmbedding",
        lambda **k: layers.WordEmbedding(11, 4, **k),
        {"inputs": token_ids()},
    ),
    Case(
        "WordTable",
        lambda **k: layers.WordTable(9, 4, 2, 20, **k),
        {
            "word_ids": word_ids(),
            "subword_ids": Argument(
                _integers(21, B, T, 3) * padding_mask().value[..., None],
                "BTC",
                pad=0,
            ),
        },
    ),
    Case(
        "WordTable without n-grams",
        lambda **k: layers.WordTable(9, 4, 2, **k),
        {"word_ids": word_ids()},
        variant=True,
    ),
]


def slow_variants(cases: Iterable[Case]) -> list:
    """Returns cases of an expensive law, with variants marked slow."""
    return [
        pytest.param(case, marks=[pytest.mark.slow] * case.variant)
        for case in cases
    ]
