"""Checks the integers among the settings of a run before it begins."""

from typing import Any

COUNTS = (
    *(
        "batch_size",
        "gradient_accumulation_steps",
        "epochs",
        "patience",
        "num_train",
    ),
    *("lora_rank", "warm_start"),
    *("steps_per_epoch", "held_out_steps", "checkpoint_steps"),
    *("average_checkpoints", "reset_steps", "top_k"),
)
# The largest seed of NumPy's generators.
_MOST_SEED = 2**32 - 1


def check_run_numbers(config: Any) -> None:
    """Refuses numbers with which training is impossible.

    Otherwise other libraries would raise less clear errors during the run,
    whose folder would already contain the wrong settings.

    Args:
        config: Settings of a recipe. The fields in `COUNTS`, `seed` and
            `seeds` are checked; `None` is allowed.

    Raises:
        ValueError: A count is below 1; or a seed is out of range or repeated.

    Example:
        >>> from types import SimpleNamespace
        >>> check_run_numbers(SimpleNamespace(epochs=0))
        Traceback (most recent call last):
        ValueError: `epochs` must be at least 1, a whole number. Received: ...
    """
    for name in COUNTS:
        value = getattr(config, name, None)
        if value is not None and not (
            isinstance(value, int | float) and value >= 1 and value % 1 == 0
        ):
            raise ValueError(
                f"`{name}` must be at least 1, a whole number. "
                f"Received: {name}={value!r}"
            )
    if hasattr(config, "seeds"):
        check_seeds(config.seeds)
    if hasattr(config, "seed"):
        _check_seed("seed", config.seed)


def check_seeds(seeds: Any) -> None:
    """Refuses an empty list of seeds, repeated seeds and invalid seeds.

    Example:
        >>> check_seeds([1, 2])
    """
    if not seeds or len(set(seeds)) != len(seeds):
        raise ValueError(
            "`seeds` must hold at least one number, and each once. "
            f"Received: seeds={tuple(seeds)}"
        )
    for seed in seeds:
        _check_seed("seeds", seed)


def _check_seed(name: str, seed: Any) -> None:
    if not 0 <= seed <= _MOST_SEED:
        raise ValueError(
            f"`{name}` must be from 0 to {_MOST_SEED}. Received: {seed!r}"
        )
