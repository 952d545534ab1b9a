"""Creates the files of keras_ctx 0.1 in the folder saved_0_1.

They are created only once: every later version must load them and answer the
same. They were written by 0.1.0, before its modules moved to subpackages:

    PYTHONPATH=.:tests python tests/golden/make_saved.py

For each model, NAME.keras, compiled if it has a loss, and NAME.npz with inputs
and answers; for each kind of text inputs, KIND.json and, in texts.json, their
features of two texts.
"""

import json
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from contracts.model_cases import (
    INPUTS,
    bert,
    elmo,
    elmo_many_langs,
    elmo_words,
)
from contracts.random_weights import randomized

from keras_ctx import models, text, training

FOLDER = Path(__file__).parent / "saved_0_1"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TEXTS = ["the cat sat", "猫"]


def tagger() -> keras.Model:
    model = models.tagger(
        bert(norm_first=True, activation="gelu_tanh"),
        5,
        mix="scalar_mix",
        crf=True,
        lstm_dim=3,
        constraints=[
            (i, j) for i in range(6) for j in (*range(5), 6) if i <= j or i == 5
        ],
    )
    model.compile(
        training.bert_optimizer(
            1e-3, 20, gradient_accumulation_steps=2, ema_momentum=0.9
        ),
        loss={"logits": training.CRFLoss()},
    )
    return model


def pretrainer() -> keras.Model:
    model = models.bert_pretrainer(bert(activation="gelu_tanh"))
    model.compile(
        training.bert_optimizer(1e-3, 20, schedule="slanted_triangular"),
        loss=training.bert_pretraining_losses(),
    )
    return model


def language_model(encoder: keras.Model) -> keras.Model:
    model = models.elmo_language_model(encoder, 11, num_negatives=3)
    model.compile(
        training.elmo_optimizer(), loss=training.elmo_pretraining_losses()
    )
    return model


MODELS: dict[str, tuple[Callable[[], keras.Model], str]] = {
    "bert_tagger": (tagger, "bert"),
    "bert_pretrainer": (pretrainer, "bert_pretrainer"),
    "elmo_language_model": (lambda: language_model(elmo()), "elmo_sampled"),
    "elmo_word_encoder": (elmo_words, "elmo_words"),
    "elmo_stream": (
        lambda: models.elmo_stream_model(
            models.elmo_language_model(elmo(), 11), 4
        ),
        "elmo_stream",
    ),
    "many_langs_embedder": (
        lambda: models.embedder(
            elmo_many_langs(), "scalar_mix", pooling=("cls", "max")
        ),
        "elmo_many_langs",
    ),
    "elmo_distinct_classifier": (
        lambda: models.classifier(
            models.distinct_words(elmo()), 3, mix="scalar_mix"
        ),
        "elmo_distinct",
    ),
}


def texts() -> dict[str, text.BertInputs | text.ElmoInputs | text.WordInputs]:
    return {
        "bert": text.BertInputs([*SPECIAL, "the", "cat", "##s", "猫"], 8),
        "elmo": text.ElmoInputs(max_characters=8, distinct=True),
        "words": text.WordInputs(
            [*text.WORD_SPECIAL_TOKENS, "the", "cat"], split="whitespace"
        ),
    }


def main() -> None:
    FOLDER.mkdir()
    for name, (create, family) in MODELS.items():
        keras.utils.set_random_seed(20_261_129)
        model = randomized(create())
        features = {key: x for key, (x, *_) in INPUTS[family].items()}
        if getattr(model, "optimizer", None) is not None:
            model.optimizer.build(model.trainable_variables)
        # First: a stateful model answers from its saved states.
        model.save(FOLDER / f"{name}.keras")
        answers = model(features)
        arrays = {f"in/{key}": x for key, x in features.items()}
        for key, x in answers.items():
            each = x if isinstance(x, list) else [x]
            arrays |= {
                f"out/{key}/{k}": np.asarray(y) for k, y in enumerate(each)
            }
        np.savez_compressed(FOLDER / f"{name}.npz", **arrays)
    said = {}
    for name, inputs in texts().items():
        text.save_inputs(inputs, FOLDER / f"{name}.json")
        said[name] = {
            key: np.asarray(x).tolist()
            for key, x in inputs(TEXTS).items()
            if np.asarray(x).dtype != object
        }
    (FOLDER / "texts.json").write_text(
        json.dumps({"texts": TEXTS, "features": said}, ensure_ascii=False)
        + "\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
