"""Exports of all-MiniLM-L6-v2 under every head, with all defaults."""

import json
from pathlib import Path

import pytest
from minilm_heads import HEADS, minilm_under
from real_sentences import real_sentences

from keras_ctx import serving
from keras_ctx.serving.export.saved_model import CHECK_TEXTS


@pytest.mark.slow
def test_classifier_with_every_default(tmp_path: Path) -> None:
    model, inputs, head = minilm_under("classifier", 128)
    version = serving.export(model, inputs, tmp_path, head.labels)
    card = json.loads((version / "signature.json").read_text("utf-8"))
    assert card["agreement"]["share"] < 0.5


@pytest.mark.slow  # an export each, of 500 requests
@pytest.mark.parametrize("max_length", [128, 512])
@pytest.mark.parametrize("name", HEADS)
def test_every_head(name: str, max_length: int, tmp_path: Path) -> None:
    model, inputs, head = minilm_under(name, max_length)
    texts = [*CHECK_TEXTS, *real_sentences()]
    version = serving.export(
        model,
        inputs,
        tmp_path,
        head.labels,
        check_texts=texts,
        **head.arguments,
    )
    card = json.loads((version / "signature.json").read_text("utf-8"))
    print(name, max_length, card["agreement"])
    assert card["agreement"]["share"] < 0.5
