"""Sends requests to a model server by REST."""

import contextlib
import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit

from keras_ctx.serving.rest.client.errors import RefusedQuery, Unavailable
from keras_ctx.serving.rest.client.signature import Signature

Row = dict[str, Any]


class RestClient:
    """A client for one model of a server, by REST.

    Args:
        server: http://HOST:PORT or https://HOST:PORT, with or without a path.
        model: The model's name.
        version: The version to call; `None` for the newest, or that of `label`.
        label: The label of a version.
        timeout: Seconds to wait for an answer.

    Example:
        >>> client = RestClient("http://localhost:1", "reviews", timeout=1)
        >>> client.signatures()
        Traceback (most recent call last):
        keras_ctx.serving.rest.client.errors.Unavailable: \
http://localhost:1 cannot be reached: ...
    """

    def __init__(
        self,
        server: str,
        model: str,
        version: int | None = None,
        label: str | None = None,
        timeout: float = 30.0,
    ):
        self._server, self._timeout = server, timeout
        url = urlsplit(server)
        kind = getattr(http.client, f"{url.scheme.upper()}Connection")
        self._connect = lambda: kind(url.netloc, timeout=timeout)
        self._path = f"{url.path.rstrip('/')}/v1/models/{quote(model, safe='')}"
        if version is not None:
            self._path += f"/versions/{version}"
        if label is not None:
            self._path += f"/labels/{quote(label, safe='')}"

    def signatures(self) -> dict[str, Any]:
        """Returns the metadata of the model's signatures, by name.

        Raises:
            QueryError: The server refuses the request or is unavailable.
        """
        found = self._send("GET", f"{self._path}/metadata", "metadata")
        return found.get("signature_def", {}).get("signature_def", {})

    def ask(
        self,
        name: str,
        signature: Signature,
        rows: list[Row],
        outputs: tuple[str, ...] = (),
    ) -> list[Row]:
        """Returns the outputs by name, for each row.

        Args:
            name: Name of the signature.
            signature: The signature.
            rows: Inputs by name, for each row.
            outputs: Names of outputs; ignored, since REST returns all.

        Raises:
            QueryError: The server refuses the request or is unavailable.
        """
        # Not `inputs`: without rows, TensorFlow Serving refuses `instances`,
        # but never answers `inputs` if it batches requests.
        key, result = "instances", "predictions"
        if signature.takes_examples:
            key, result = "examples", "results"
        request = {"signature_name": name, key: rows}
        path = f"{self._path}:{signature.method}"
        found = self._send("POST", path, result, request)
        if signature.method == "classify":
            return [
                {"classes": [x for x, _ in row], "scores": [y for _, y in row]}
                for row in found
            ]
        if len(signature.outputs) == 1:
            return [dict.fromkeys(signature.outputs, x) for x in found]
        return found

    def close(self) -> None:
        """Does nothing: no connection stays open."""

    def _send(self, method: str, path: str, key: str, request: Any = None):
        body = None if request is None else json.dumps(request).encode()
        headers = {"Content-Type": "application/json"}
        try:
            with contextlib.closing(self._connect()) as connection:
                connection.request(method, path, body, headers)
                response = connection.getresponse()
                status, answer = response.status, response.read()
        except TimeoutError as error:
            raise RefusedQuery(
                f"No answer in {self._timeout:g} seconds; send fewer "
                "lines at a time (--batch-size), or wait longer (--timeout)."
            ) from error
        except ConnectionRefusedError as error:
            raise Unavailable(
                f"{self._server} cannot be reached: nothing listens there. "
                "Start serve.py, or give another address (--server)."
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(
                f"{self._server} cannot be reached: {error}"
            ) from error
        # A model or an error may quote arbitrary bytes.
        text = answer.decode("utf-8", "replace")
        try:
            found = json.loads(text, parse_constant=str)
        except (ValueError, RecursionError):
            found = text[:200]
        if status == 200 and isinstance(found, dict) and key in found:
            return found[key]
        if not isinstance(found, dict) or status == 200:
            what = "Not the answer of a model server: " if status == 200 else ""
            found = {"error": f"{what}{found}"[:250]}
        # 429: it waited in the queue too long; 502: a proxy finds no server.
        refusal = Unavailable if status in (429, 502, 503) else RefusedQuery
        raise refusal(f"{found.get('error', found)} (status {status})")
