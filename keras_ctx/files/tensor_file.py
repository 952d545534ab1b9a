"""Writes safetensors files, with the system's error where that fails."""

import os
import re
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import save_file


def write_tensors(
    path: Path, arrays: dict[str, np.ndarray], metadata: dict[str, str]
) -> None:
    """Writes a safetensors file.

    Raises:
        OSError: The file cannot be written. It has the system's error number,
            which safetensors only gives in its message.

    Example:
        >>> write_tensors(Path("a.safetensors"), {"a": np.ones(2)}, {})
        >>> Path("a.safetensors").exists()
        True
    """
    try:
        save_file(arrays, path, metadata)
    except SafetensorError as error:
        found = re.search(r"\(os error (\d+)\)", str(error))
        if found is None:
            raise OSError(str(error)) from error
        number = int(found[1])
        raise OSError(number, os.strerror(number), str(path)) from error
