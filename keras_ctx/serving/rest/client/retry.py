"""Trying again, where the server is not to be had for the moment."""

import itertools
import random
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from keras_ctx.serving.rest.client.errors import Unavailable

_T = TypeVar("_T")


def patiently(call: Callable[[], _T], retries: int) -> _T:
    """The value of `call`, tried again, each time after a longer pause.

    Args:
        call: What may raise `Unavailable`.
        retries: How often to try again.

    Raises:
        Unavailable: The last try has failed, too.

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
            # At random, so that clients do not all come back at once.
            pause = min(0.25 * 2**attempt, 8) * random.uniform(0.5, 1)
            print(f"{error} Again in {pause:.1f} s.", file=sys.stderr)
            time.sleep(pause)
    raise AssertionError("It counts for ever.")
