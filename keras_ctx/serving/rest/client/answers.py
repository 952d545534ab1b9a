"""Sends requests to a served model in batches, and yields its answers."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from keras_ctx.serving.rest.client.by_rest import RestClient
from keras_ctx.serving.rest.client.cut_answer import cut_answer
from keras_ctx.serving.rest.client.errors import RefusedQuery, Unavailable
from keras_ctx.serving.rest.client.retry import patiently
from keras_ctx.serving.rest.client.rows import filled, to_row
from keras_ctx.serving.rest.client.signature import Signature

if TYPE_CHECKING:
    from keras_ctx.serving.rest.client.by_grpc import GrpcClient

Row = dict[str, Any]


def find_signature(
    found: dict[str, Any],
    model: str,
    name: str,
    outputs: Sequence[str] = (),
    rows: bool = False,
) -> Signature:
    """Returns the signature to call.

    Args:
        found: The result of a client's `signatures`.
        model: The model's name, for errors.
        name: Name of the signature.
        outputs: Names of the outputs to return.
        rows: Whether a line gives a value for each input.

    Raises:
        RefusedQuery: The signature or an output does not exist, or a line of
            text cannot be assigned to one of several inputs.

    Example:
        >>> find_signature({"embed": {}}, "reviews", "tag")
        Traceback (most recent call last):
        keras_ctx.serving.rest.client.errors.RefusedQuery: The model \
'reviews' has no signature 'tag'; it has ['embed'].
    """
    if name not in found:
        raise RefusedQuery(
            f"The model {model!r} has no signature {name!r}; it has "
            f"{sorted(x for x in found if not x.startswith('__'))}."
        )
    signature = Signature(found[name])
    inputs = [x for x in signature.inputs if x not in signature.defaults]
    unknown = sorted(set(outputs) - set(signature.outputs))
    if unknown:
        raise RefusedQuery(
            f"The signature {name!r} has no outputs {unknown}; it "
            f"has {list(signature.outputs)}."
        )
    if len(inputs) > 1 and not rows:
        raise RefusedQuery(
            f"The signature {name!r} has several inputs, {inputs}: "
            "give --rows, and one JSON object with these keys per line."
        )
    return signature


def answers(
    client: "RestClient | GrpcClient",
    name: str,
    signature: Signature,
    lines: Iterable[tuple[int, str]],
    *,
    outputs: tuple[str, ...] = (),
    rows: bool = False,
    batch_size: int = 32,
    width: int | None = None,
    retries: int = 5,
) -> Iterator[Row]:
    """Yields for each line, in order, its number, inputs and outputs.

    Args:
        client: Client of the model.
        name: Name of the signature.
        signature: See `find_signature`.
        lines: See `numbered_lines`.
        outputs: Names of the outputs to keep; if empty, all.
        rows: Whether a line is a JSON object with a value for each input.
        batch_size: Lines per request.
        width: Words per row; `None` for those of the longest row of a request.
        retries: Number of retries.

    Raises:
        RefusedQuery: A line cannot be asked, or the server has refused it.
        Unavailable: The server is not to be had, or no more.
    """
    lines = iter(lines)
    while batch := list(itertools.islice(lines, batch_size)):
        asked = [to_row(signature, *line, rows) for line in batch]
        try:
            sent = filled(asked, width)
            found = patiently(
                lambda r=sent: client.ask(name, signature, r, outputs), retries
            )
            if len(found) != len(asked):
                raise RefusedQuery(
                    f"{len(found)} answers to {len(asked)} lines."
                )
        except (RefusedQuery, Unavailable) as error:
            # Of its own kind: a server that has left is no wrong line.
            left = ""
            if isinstance(error, Unavailable):
                left = " These lines and those behind them have no answer."
            first, last = batch[0][0], batch[-1][0]
            raise type(error)(
                f"Lines {first} to {last}: {error}{left}"
            ) from error
        for (number, _), row, answer in zip(batch, asked, found, strict=True):
            answer = cut_answer(signature.outputs, answer)
            kept = {x: answer[x] for x in outputs or signature.outputs}
            yield {"line": number, "inputs": row, "outputs": kept}
