"""Scores sentences with a language model, word by word."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_ctx import data, text, training
from keras_ctx.files.model_file import load_model


class SentenceScorer:
    """A language model with its text inputs.

    Args:
        folder: Folder of a run of pretrain_elmo.py.

    Call arguments:
        lines: Sentences that are not blank.

    Returns:
        For each line a dict with its n `words`, and natural logarithms of
        probabilities `(n + 1,)`: `forward` for the words and the end of the
        sentence, `backward` for its beginning and the words.

    Raises:
        ValueError: `folder` holds no language model.
    """

    def __init__(self, folder: Path):
        for name in ("language_model.keras", "words.txt"):
            if not (folder / name).is_file():
                raise ValueError(
                    "`folder` must hold a language model, as a finished run "
                    "of pretrain_elmo.py does. Received: folder="
                    f"{str(folder)!r}, without {name}"
                )
        inputs = text.load_inputs(folder / "text_inputs.json")
        changed = {**inputs.get_config(), "max_length": None}  # cut no line
        vocabulary = text.load_vocabulary(folder / "words.txt")
        self.inputs = data.LanguageModelInputs(
            type(inputs).from_config(changed),  # pyright: ignore
            vocabulary,
        )
        self.vocabulary = set(vocabulary[3:])  # without markers and <UNK>
        self.likelihoods = training.sentence_likelihoods(
            load_model(folder / "language_model.keras")
        )

    def __call__(self, lines: list[str]) -> list[dict]:
        texts = tf.constant(lines)
        features, weights = self.inputs(texts)
        found = self.likelihoods(features)
        forward, backward = (
            -found[key].numpy().astype("float64")
            for key in ("forward", "backward")
        )
        tokens = self.inputs.text_inputs.tokens(texts).numpy()
        lengths = weights.numpy().sum(1).astype(int) - 1
        return [
            {
                "words": [word.decode() for word in tokens[row, :n]],
                "forward": forward[row, : n + 1],  # words, then the end
                "backward": backward[row, : n + 1],  # beginning, then words
            }
            for row, n in enumerate(lengths)
        ]


def score_record(
    line: int,
    scored: dict[str, Any] | None,
    vocabulary: set[str] | None = None,
) -> dict[str, Any]:
    """Returns the record that is written for a line.

    Args:
        line: Number of the line.
        scored: Result of a `SentenceScorer`; `None` for a blank line.
        vocabulary: Vocabulary of the scorer, to also write each word.

    Example:
        >>> import numpy as np
        >>> halves = np.log([0.5, 0.5])
        >>> score_record(
        ...     7, {"words": ["no"], "forward": halves, "backward": halves})
        {'line': 7, 'num_words': 1, 'forward': -1.386..., 'backward': \
-1.386..., 'perplexity': 2.0}
    """
    if scored is None:
        scores = dict.fromkeys(("forward", "backward", "perplexity"))
        words = {"words": [], "end": None, "begin": None}
        head = {"line": line, "num_words": 0, **scores}
        return {**head, **words} if vocabulary is not None else head
    forward, backward = scored["forward"], scored["backward"]
    head = {
        "line": line,
        "num_words": len(scored["words"]),
        "forward": float(forward.sum()),
        "backward": float(backward.sum()),
        "perplexity": training.perplexity_of_nats(
            -(forward.mean() + backward.mean()) / 2
        ),
    }
    if vocabulary is None:
        return head
    words = [
        {
            "word": word,
            "unknown": word not in vocabulary,
            "forward": float(forward[i]),
            "backward": float(backward[i + 1]),
        }
        for i, word in enumerate(scored["words"])
    ]
    ends = {"end": float(forward[-1]), "begin": float(backward[0])}
    return {**head, "words": words, **ends}
