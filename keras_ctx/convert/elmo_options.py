"""options.json of bilm-tf and allennlp to the arguments of our encoders."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REQUIRED = object()
NUM_CHARACTERS = 262
"""Bytes, markers and 0 = no token; files hold one row less, that of 0."""


@dataclass(frozen=True)
class Rule:
    """What a value must be, in words and as a test."""

    words: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True)
class Option:
    """One line of the tables below: a key there, an argument here."""

    key: str
    argument: str
    rule: Rule
    default: Any = REQUIRED
    """Of a key that is absent or null, as allenai/bilm-tf reads it."""


def _is_int(value: Any, least: int = 1) -> bool:
    # JSON's true is an `int` in Python.
    return type(value) is int and value >= least


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_filters(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(
            isinstance(pair, list)
            and len(pair) == 2
            and all(_is_int(number) for number in pair)
            for pair in value
        )
    )


COUNT = Rule("an integer of at least 1", _is_int)
FLAG = Rule("true or false", lambda value: isinstance(value, bool))
BOUND = Rule(
    "a number above 0, or null", lambda value: _is_number(value) and value > 0
)

LSTM = (
    Option("lstm.dim", "hidden_dim", COUNT),
    Option("lstm.projection_dim", "projection_dim", COUNT),
    Option("lstm.n_layers", "num_layers", COUNT, 1),
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
        Rule("a list of pairs [width, count]", _is_filters),
    ),
    Option(
        "char_cnn.n_highway",
        "num_highways",
        Rule("an integer of at least 0", lambda value: _is_int(value, 0)),
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
    Option("char_cnn.max_characters_per_token", "max_characters", COUNT),
)
# Only bilm-tf's training writes these; readers may do without.
TRAINING = (
    Option(
        "bidirectional",
        "bidirectional",
        Rule(
            "true: a model of one direction has no backward half, which "
            "every encoder here returns",
            lambda value: value is True,
        ),
        True,
    ),
    Option(
        "dropout",
        "dropout",
        Rule(
            "a rate of at least 0 and below 1",
            lambda value: _is_number(value) and 0 <= value < 1,
        ),
        0.0,
    ),
    Option("n_tokens_vocab", "num_words", COUNT, None),
    Option("share_embedding_softmax", "shared_softmax", FLAG, False),
)


@dataclass(frozen=True)
class ElmoOptions:
    """An options file, read."""

    lstm: dict[str, Any]
    """Arguments of `elmo_encoder` and `elmo_word_encoder` alike."""
    characters: dict[str, Any] | None
    """Those of `elmo_encoder` alone; `None` for a model of words."""
    dropout: float = 0.0
    num_words: int | None = None
    shared_softmax: bool = False


def read_options(path: str | Path) -> ElmoOptions:
    """Read a file; one error tells all that is wrong with it."""
    content = _read_json(Path(path))
    problems = []

    def read(table: tuple[Option, ...]) -> dict[str, Any]:
        arguments = {}
        for option in table:
            value, problem = _value(content, option)
            arguments[option.argument] = value
            problems.extend([problem] if problem else [])
        return arguments

    lstm, training = read(LSTM), read(TRAINING)
    characters = read(CHARACTERS) if "char_cnn" in content else None
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
            f"`options_file` {str(path)!r} is no options.json of ELMo:\n  "
            + "\n  ".join(problems)
            + "\nTake the options file that belongs to the weights."
        )
    del training["bidirectional"]
    return ElmoOptions(lstm, characters, **training)


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(
            "`options_file` must name a file that exists. Check the spelling "
            f"and the working directory. Received: options_file={str(path)!r}"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:  # of JSON or of UTF-8
        raise ValueError(
            "`options_file` must be JSON in UTF-8. Check that it is the "
            "options file and whole. "
            f"Received: options_file={str(path)!r}: {error}"
        ) from error
    if not isinstance(content, dict):
        raise ValueError(
            "`options_file` must hold one JSON object. Received: "
            f"options_file={str(path)!r}, {type(content).__name__}"
        )
    return content


def _value(content: dict[str, Any], option: Option) -> tuple[Any, str | None]:
    """The value of an option, and what is wrong with it."""
    value: Any = content
    parts = option.key.split(".")
    for depth, part in enumerate(parts):
        if not isinstance(value, dict):
            block = ".".join(parts[:depth])
            return None, (
                f"`{block}` must be an object, for `{option.key}`. "
                f"Received: {value!r}"
            )
        if part not in value and option.default is REQUIRED:
            return None, f"`{option.key}` is missing; {option.rule.words}"
        value = value.get(part)
        if value is None and option.default is not REQUIRED:
            return option.default, None
    if not option.rule.holds(value):
        return None, (
            f"`{option.key}` must be {option.rule.words}. Received: {value!r}"
        )
    return value, None
