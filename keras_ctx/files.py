"""Files that are whole or not there."""

import os
import uuid
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file under a temporary name beside it, then rename it."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
