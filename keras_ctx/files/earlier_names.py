"""Reads settings that were saved under the names of earlier versions."""

from collections.abc import Mapping
from typing import Any

_NAMES = {
    "accumulate": "gradient_accumulation_steps",
    "cut_share": "cut_frac",
    "n_best": "top_k",
    "not_decayed": "exclude_from_weight_decay",
    "short_probability": "short_seq_prob",
}


def with_names_of_today(saved: Mapping[str, Any]) -> dict[str, Any]:
    """Renames the settings of a file that an earlier version wrote.

    Args:
        saved: Settings by name, or the configuration of an optimizer or a
            schedule.

    Returns:
        The same values, by the current names of the arguments.

    Example:
        >>> with_names_of_today({"n_best": 20, "seed": 1})
        {'top_k': 20, 'seed': 1}
    """
    return {_NAMES.get(name, name): value for name, value in saved.items()}
