"""Retries a call while the server is unavailable."""

import itertools
import random
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from keras_ctx.serving.rest.client.errors import Unavailable

_T = TypeVar("_T")


def patiently(call: Callable[[], _T], retries: int) -> _T:
    """Returns the value of `call`, retried after growing pauses.

    Args:
        call: A function that may raise `Unavailable`.
        retries: Number of retries.

    Raises:
        Unavailable: The last retry failed.

    Example:
        >>> patiently(lambda: "an answer", retries=5)
        'an answer'
    """
    for attempt in itertools.count():
        try:
            return call()
        except Unavailable as error:
            if attempt == retries:
                raise
            # Random, so that clients do not all return at once.
            pause = min(0.25 * 2**attempt, 8) * random.uniform(0.5, 1)
            print(f"{error} Retrying in {pause:.1f} s.", file=sys.stderr)
            time.sleep(pause)
    raise AssertionError("It counts for ever.")
