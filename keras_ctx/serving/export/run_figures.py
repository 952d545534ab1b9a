"""The figures of a run, for the card of its exported version."""

import re
from math import isfinite
from pathlib import Path
from typing import Any


def run_figures(written: dict[str, Any]) -> dict[str, Any]:
    """Returns the figures of the exported model, that of the first seed.

    Args:
        written: Content of the run's results.json.

    Returns:
        The arguments `metrics` and, if known, `measured_on` of
        `serving.export`.

    Example:
        >>> scores = {"f1": {"seeds": [0.5, 0.6]}}
        >>> run_figures({"results": {"scores": scores}})
        {'metrics': {'f1': 0.5}}
    """
    results = written.get("results", {})
    scores = results.get("scores_pretrained") or results.get("scores") or {}
    found = {name: one["seeds"][0] for name, one in scores.items()} or results
    # A figure that was not finite is null or a string. Shares of layers and
    # seconds do not measure quality.
    found = {
        name: value
        for name, value in found.items()
        if isinstance(value, int | float)
        and isfinite(value)
        and not re.fullmatch(r"share_\d+|scale|seconds", name)
    }
    settings = written.get("config", {})
    if "test" not in settings:
        return {"metrics": found}
    if settings["test"] is not None:
        where = Path(settings["test"]).name
    elif settings.get("train") is not None:
        where = f"articles held out of {Path(settings['train']).name}"
    else:
        where = "the sample data held out"
    return {"metrics": found, "measured_on": where}
