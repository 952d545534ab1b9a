"""Reads options.json of bilm-tf and allennlp as arguments of our encoders."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_ctx.convert.files.options import (
    COUNT,
    FLAG,
    PARTS,
    PARTS_OR_NONE,
    RATE,
    Option,
    Rule,
    is_int,
    is_number,
    read_json,
    read_table,
)

_MOST_BYTES = 1_000_000  # Larger files take seconds to read.
NUM_CHARACTERS = 262
"""Bytes, markers and 0 for padding; files do not hold row 0."""


def _is_filters(value: Any) -> bool:
    return (
        isinstance(value, list)
        and 0 < len(value) <= 1000  # Building each costs time.
        and all(
            isinstance(pair, list)
            and len(pair) == 2
            and all(is_int(number) for number in pair)
            for pair in value
        )
    )


BOUND = Rule(
    "a number above 0, or null", lambda value: is_number(value) and value > 0
)

FILTERS = Rule("a list of pairs [width, count]", _is_filters)

# No array shows this number, and each word of a text takes that much memory.
WORD_LENGTH = Rule(
    "an integer of at least 1",
    lambda value: is_int(value, 1, 2**16),
    2**16,
)

LSTM = (
    Option("lstm.dim", "hidden_dim", COUNT),
    Option("lstm.projection_dim", "projection_dim", COUNT),
    Option("lstm.n_layers", "num_layers", PARTS, 1),
    Option("lstm.cell_clip", "cell_clip", BOUND, None),
    Option("lstm.proj_clip", "projection_clip", BOUND, None),
    Option("lstm.use_skip_connections", "residual", FLAG, False),
)
CHARACTERS = (
    Option(
        "char_cnn.activation",
        "activation",
        Rule('"relu" or "tanh"', lambda value: value in ("relu", "tanh")),
    ),
    Option("char_cnn.embedding.dim", "char_dim", COUNT),
    Option(
        "char_cnn.filters",
        "filters",
        FILTERS,
    ),
    Option(
        "char_cnn.n_highway",
        "num_highways",
        PARTS_OR_NONE,
        0,
    ),
    Option(
        "char_cnn.n_characters",
        "vocabulary_size",
        Rule(
            "261 (the ids of training) or 262 (those of inference, shifted by "
            "one so that 0 is padding; files hold 261 rows either way)",
            lambda value: type(value) is int and value in (261, NUM_CHARACTERS),
        ),
    ),
    Option(
        "char_cnn.max_characters_per_token",
        "max_characters",
        WORD_LENGTH,
    ),
)
# Only bilm-tf's training writes these; they are optional.
TRAINING = (
    Option(
        "bidirectional",
        "bidirectional",
        Rule(
            "true: a unidirectional model has no backward half, which every "
            "encoder here returns",
            lambda value: value is True,
        ),
        True,
    ),
    Option("dropout", "dropout", RATE, 0.0),
    Option("n_tokens_vocab", "num_words", COUNT, None),
    Option("share_embedding_softmax", "shared_softmax", FLAG, False),
)


@dataclass(frozen=True)
class ElmoOptions:
    """The content of an options file."""

    lstm: dict[str, Any]
    """Arguments of both `elmo_encoder` and `elmo_word_encoder`."""
    characters: dict[str, Any] | None
    """Arguments of `elmo_encoder` only; `None` for a model that reads words."""
    dropout: float = 0.0
    num_words: int | None = None
    shared_softmax: bool = False


def read_options(path: str | Path) -> ElmoOptions:
    """Reads a file; one error lists all its problems."""
    path = Path(path)
    if path.is_file() and path.stat().st_size > _MOST_BYTES:
        raise ValueError(
            f"`options_file` must have at most {_MOST_BYTES:,} bytes; "
            "published files have a few hundred. Received: "
            f"{str(path)!r} of {path.stat().st_size:,} bytes"
        )
    content = read_json(path, "options_file")
    lstm, problems = read_table(content, LSTM)
    training, of_training = read_table(content, TRAINING)
    problems += of_training
    characters = None
    if "char_cnn" in content:
        characters, of_characters = read_table(content, CHARACTERS)
        problems += of_characters
    if characters is not None and not problems:
        characters["vocabulary_size"] = NUM_CHARACTERS
        widest = max(width for width, _ in characters["filters"])
        if characters["max_characters"] < widest:
            problems.append(
                "`char_cnn.max_characters_per_token` must be at least the "
                f"widest filter, {widest}. Received: "
                f"{characters['max_characters']}"
            )
    if problems:
        raise ValueError(
            f"`options_file` {str(path)!r} must be an options.json of ELMo:\n  "
            + "\n  ".join(problems)
            + "\nUse the options file that belongs to the weights."
        )
    del training["bidirectional"]
    return ElmoOptions(lstm, characters, **training)
