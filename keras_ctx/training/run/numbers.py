"""The whole numbers among the arguments of a run, checked before it begins."""

from typing import Any

COUNTS = (
    *("batch_size", "accumulate", "epochs", "patience", "num_train"),
    *("lora_rank", "warm_start"),
    *("steps_per_epoch", "held_out_steps", "checkpoint_steps"),
    *("average_checkpoints", "reset_steps", "n_best"),
)
# NumPy's generators take no others.
_MOST_SEED = 2**32 - 1


def check_run_numbers(config: Any) -> None:
    """Refuses numbers with which nothing could be trained.

    Otherwise they would be found out in the midst of a run, in the words of
    other libraries, and its folder would hold settings that cannot be meant.

    Args:
        config: Settings of a recipe. Of its fields those of `COUNTS`, `seed`
            and `seeds` are looked at; `None` stays.

    Raises:
        ValueError: A count below 1; a seed that is none, or stands twice.

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
    """Refuses no seeds, one that stands twice, and numbers that are none.

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
