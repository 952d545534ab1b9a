"""Files of sentences and their translations, word by word."""

import random
from collections.abc import Callable, Mapping
from pathlib import Path


def write_pairs(
    folder: Path,
    name: str,
    count: int,
    seed: int,
    words: Mapping[str, str],
    most: int,
    spelled: Callable[[str], str] = str,
) -> list[Path]:
    """Writes random sentences of at most `most` words, in both languages."""
    draw = random.Random(seed)
    rows = [
        draw.choices([*words], k=draw.randint(1, most)) for _ in range(count)
    ]
    paths = [folder / f"{name}.en", folder / f"{name}.de"]
    paths[0].write_text("".join(f"{spelled(' '.join(x))}\n" for x in rows))
    paths[1].write_text(
        "".join(f"{' '.join(words[y] for y in x)}\n" for x in rows)
    )
    return paths
