"""The limits of requests, checked before their values."""

import ipaddress
import re
from collections.abc import Sequence
from typing import Any

from keras_ctx.serving.rest.values import RequestError

_HOST = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::\d*)?")


def is_allowed_host(host: str, names: Sequence[str] = ()) -> bool:
    """Returns whether a request with this `Host` header may be answered.

    A web page can resolve its own host name to this machine (DNS rebinding),
    and the browser then lets it read the answers. Such a request names the
    page's host, so only numeric addresses, `localhost` and the given names are
    allowed.

    Args:
        host: The header, with or without a port.
        names: Further host names, without a port.

    Example:
        >>> [is_allowed_host(x) for x in ("127.0.0.1:8501", "[::1]:8501",
        ...                               "localhost", "evil.example:8501")]
        [True, True, True, False]
        >>> is_allowed_host("Models.Example:8501", ["models.example"])
        True

    Source:
        https://en.wikipedia.org/wiki/DNS_rebinding, like Starlette's
        `TrustedHostMiddleware`, which does not know IPv6.
    """
    found = _HOST.fullmatch(host.strip())
    if found is None:
        return False
    name = found[1].lower().removesuffix(".")
    if name == "localhost" or name in {x.lower() for x in names}:
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def check_rows(request: dict[str, Any], max_rows: int) -> None:
    """Refuses a request with too many rows.

    Args:
        request: From `read_request`. Its rows are those of `instances` or
            `examples`, or of the longest array in `inputs`.
        max_rows: Most rows allowed.

    Raises:
        RequestError: The request has more rows.

    Example:
        >>> check_rows({"instances": ["a", "b"]}, max_rows=2)
        >>> check_rows({"inputs": {"text": ["a", "b"]}}, max_rows=1)
        Traceback (most recent call last):
        keras_ctx.serving.rest.values.RequestError: A request must have at \
most 1 rows. Received: 2 rows. Send fewer at a time.
    """
    inputs = request.get("inputs")
    columns = list(inputs.values()) if isinstance(inputs, dict) else [inputs]
    columns += [request.get("instances"), request.get("examples")]
    rows = max((len(x) for x in columns if isinstance(x, list)), default=0)
    if rows > max_rows:
        raise RequestError(
            f"A request must have at most {max_rows} rows. "
            f"Received: {rows} rows. Send fewer at a time."
        )
