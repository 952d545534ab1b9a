"""Questions to a served model, batch by batch, and its answers."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from keras_ctx.serving.rest.client.by_grpc import GrpcClient
from keras_ctx.serving.rest.client.by_rest import RestClient
from keras_ctx.serving.rest.client.cut_answer import cut_answer
from keras_ctx.serving.rest.client.errors import RefusedQuery, Unavailable
from keras_ctx.serving.rest.client.retry import patiently
from keras_ctx.serving.rest.client.rows import filled, to_row
from keras_ctx.serving.rest.client.signature import Signature

Row = dict[str, Any]


def find_signature(
    found: dict[str, Any],
    model: str,
    name: str,
    outputs: Sequence[str] = (),
    rows: bool = False,
) -> Signature:
    """The signature that is asked.

    Args:
        found: What a client's `signatures` has given.
        model: The model's name, for errors.
        name: Of the signature.
        outputs: Those that are wanted.
        rows: Whether a line gives a value for each input.

    Raises:
        RefusedQuery: There is no such signature or output, or a line of text
            does not say which of several inputs it is.

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
    inputs = list(signature.inputs)
    unknown = sorted(set(outputs) - set(signature.outputs))
    if unknown:
        raise RefusedQuery(
            f"The signature {name!r} has no outputs {unknown}; it "
            f"has {list(signature.outputs)}."
        )
    if len(inputs) > 1 and not rows:
        raise RefusedQuery(
            f"The signature {name!r} has several inputs, {inputs}: "
            "give --rows, and a JSON object with these keys a line."
        )
    return signature


def answers(
    client: RestClient | GrpcClient,
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
    """For each line, in order, its number, its inputs and its outputs.

    Args:
        client: Of the model.
        name: Of the signature.
        signature: Of `find_signature`.
        lines: Of `numbered_lines`.
        outputs: Those to keep; none: all.
        rows: Whether a line is a JSON object with a value for each input.
        batch_size: Lines a request.
        width: Words a row of words; `None`: of the longest of a request.
        retries: How often to try again.

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
