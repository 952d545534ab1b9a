"""Sends requests to a model server by gRPC."""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from keras_ctx.serving.rest.client.cut_answer import LENGTHS
from keras_ctx.serving.rest.client.errors import RefusedQuery, Unavailable
from keras_ctx.serving.rest.client.signature import Signature

Row = dict[str, Any]
_T = TypeVar("_T")


class GrpcClient:
    """A client for one model of a server, by gRPC; it needs TensorFlow.

    Args:
        server: grpc://HOST:PORT.
        model: The model's name.
        version: The version to call; `None` for the newest, or that of `label`.
        label: The label of a version.
        timeout: Seconds to wait for an answer.

    Example:
        >>> client = GrpcClient("grpc://localhost:1", "reviews", timeout=1)
        >>> client.signatures()
        Traceback (most recent call last):
        keras_ctx.serving.rest.client.errors.Unavailable: ... (UNAVAILABLE)
        >>> client.close()
    """

    def __init__(
        self,
        server: str,
        model: str,
        version: int | None = None,
        label: str | None = None,
        timeout: float = 30.0,
    ):
        from keras_ctx.serving.rest import grpc_client

        self._error = grpc_client.GrpcError
        self._client = grpc_client.GrpcClient(
            urlsplit(server).netloc, model, version, label, timeout
        )

    def signatures(self) -> dict[str, Any]:
        """See `RestClient.signatures`."""
        return self._call(self._client.signatures)

    def ask(
        self,
        name: str,
        signature: Signature,
        rows: list[Row],
        outputs: tuple[str, ...] = (),
    ) -> list[Row]:
        """See `RestClient.ask`; the server sends only the given outputs."""
        # Answers are cut by `num_tokens` and `num_masks`.
        kept = sorted({*outputs, *LENGTHS} & signature.outputs.keys())
        wanted = kept if outputs else []
        return self._call(lambda: self._client.ask(name, rows, wanted))

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()

    def _call(self, call: Callable[[], _T]) -> _T:
        try:
            return call()
        except self._error as error:
            refusal = Unavailable if error.is_passing else RefusedQuery
            raise refusal(str(error)) from error
