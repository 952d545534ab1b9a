"""Messages of the library, with the option that holds their path."""

from dataclasses import dataclass
from pathlib import Path

from keras_ctx.command_line.option_names import with_options


@dataclass
class Config:
    train: Path = Path("train.tsv")
    test: Path = Path("test.tsv")
    models: tuple[Path, ...] = (Path("runs/one"), Path("runs/two"))


def test_the_first_path_of_a_message_counts() -> None:
    for text, option in (
        ("test.tsv, line 3: labels must occur in train.tsv", "--test: "),
        ("train.tsv, line 3: unlike test.tsv", "--train: "),
        ("`folder` must have ended. Received: 'runs/two'", "--models: "),
        ("runs/three has no model", ""),
    ):
        assert with_options(text, Config, Config()) == option + text
