"""Messages of the library in the words of a command line."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any


def with_options(text: str, config: type, given: Any = None) -> str:
    """Returns a message of the library in the words of the command line.

    An argument of the library that is an option of the recipe is written as
    one. Where the library calls it something else, such as `folder`, the
    option that has the first path in the message is put before it.

    Args:
        text: The message.
        config: The dataclass of the settings.
        given: The settings, if they could be read.

    Example:
        >>> import dataclasses
        >>> @dataclasses.dataclass
        ... class Config:
        ...     init: Path
        ...     batch_size: int = 8
        >>> with_options("`batch_size` must be positive.", Config)
        '`--batch-size` must be positive.'
        >>> with_options("`folder` must exist. Received: a/b", Config,
        ...              Config(Path("a/b")))
        '--init: `folder` must exist. Received: a/b'
    """
    options = {
        field.name: f"--{field.name.replace('_', '-')}"
        for field in fields(config)
    }
    named = re.sub(
        r"`(\w+)`",
        lambda found: f"`{options.get(found[1], found[1])}`",
        text,
    )
    if named != text or given is None:
        return named
    places = {}
    for name, option in options.items():
        value = getattr(given, name)
        for path in value if isinstance(value, tuple) else (value,):
            found = isinstance(path, Path) and re.search(
                rf"(?<![\w/.-]){re.escape(str(path))}(?![\w.-])", text
            )
            if found:
                places.setdefault(found.start(), option)
    return f"{places[min(places)]}: {text}" if places else text
