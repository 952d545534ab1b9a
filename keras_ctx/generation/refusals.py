"""What a generator refuses: arguments out of range, and odd beginnings."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from keras_ctx.generation.beam_search import BeamSearch
from keras_ctx.generation.decoder import Decoder
from keras_ctx.generation.sampling import Sampling


def checked_start_id(decoder: Decoder, start_id: int | None) -> int | None:
    """Returns the start token of a translator, and refuses others."""
    size = decoder.vocabulary_size
    if (decoder.encoder is not None) != (start_id is not None):
        raise ValueError(
            "`start_id` must be given for a model with an encoder, and for no "
            f"other. Received: start_id={start_id}"
        )
    if start_id is None:
        return None
    if not isinstance(start_id, Integral) or not 0 <= start_id < size:
        raise ValueError(
            f"`start_id` must be a token, from 0 to {size - 1}. "
            f"Received: {start_id!r}"
        )
    return start_id


def check_beginnings(
    features: Mapping[str, Any], max_length: int, vocabulary_size: int
) -> None:
    """Refuses beginnings that cannot be continued."""
    token_ids = features["token_ids"]
    mask = features["padding_mask"].astype("bool")
    if token_ids.ndim != 2 or mask.shape != token_ids.shape:
        raise ValueError(
            "`token_ids` and `padding_mask` must have the shape (B, T). "
            f"Received: {token_ids.shape} and {mask.shape}"
        )
    lengths = mask.sum(axis=1).astype("int32")
    order = np.arange(mask.shape[1]) < lengths[:, None]
    if (order != mask).any():
        raise ValueError(
            "`padding_mask` must have the padding behind the text. Received: "
            f"{mask[(order != mask).any(axis=1)][0].astype(int)}"
        )
    wrong = token_ids[mask & ((token_ids < 0) | (token_ids >= vocabulary_size))]
    if wrong.size:
        raise ValueError(
            f"`token_ids` must be tokens, from 0 to {vocabulary_size - 1}. "
            f"Received: {wrong[:5]}"
        )
    if (lengths < 1).any():
        raise ValueError(
            "`token_ids` must have one real token a row or more; begin an "
            "empty text with the start token. Received: no token in row "
            f"{int(np.argmin(lengths))}"
        )
    if (lengths >= max_length).any():
        raise ValueError(
            f"`token_ids` must leave room for a new token: `max_length` is "
            f"{max_length}, the beginning included. Received: "
            f"{int(lengths.max())} tokens in row {int(np.argmax(lengths))}. "
            "Cut the text or raise `max_length`."
        )


def check_window(window: int | None, max_length: int) -> None:
    """Refuses a window of beginnings that leaves no room for a new token."""
    if window is not None and not 0 < window < max_length:
        raise ValueError(
            f"`window` must be from 1 to {max_length - 1}, which leaves room "
            f"for a new token below `max_length`. Received: {window}"
        )


def check_arguments(
    decoder: Decoder,
    max_length: int,
    search: Any,
    end_ids: Sequence[int],
    min_length: int,
    repetition_penalty: float,
    num_returned: int,
) -> None:
    """Refuses arguments of a generator that do not fit together."""
    size = decoder.vocabulary_size
    if max_length > decoder.max_length:
        raise ValueError(
            f"`max_length` must be at most {decoder.max_length}, the most "
            f"tokens of a text of this model. Received: {max_length}"
        )
    if decoder.encoder is not None and max_length < 2:
        raise ValueError(
            "`max_length` must be at least 2, for the start token and a new "
            f"one. Received: {max_length}"
        )
    if not isinstance(search, Sampling | BeamSearch | None):
        raise ValueError(
            "`search` must be a Sampling, a BeamSearch, or None for greedy "
            f"search. Received: {search!r}"
        )
    if not isinstance(end_ids, Iterable) or isinstance(end_ids, str):
        raise ValueError(
            f"`end_ids` must be a list of tokens. Received: {end_ids!r}"
        )
    if min_length > max_length:
        raise ValueError(
            "`min_length` must be at most `max_length`. Received: "
            f"min_length={min_length}, max_length={max_length}"
        )
    for token_id in end_ids:
        if not 0 <= token_id < size:
            raise ValueError(
                f"`end_ids` must be tokens, from 0 to {size - 1}. "
                f"Received: {token_id}"
            )
    if isinstance(search, BeamSearch):
        if search.width > size:
            raise ValueError(
                f"`search.width` must be at most {size}, the tokens of the "
                f"vocabulary. Received: {search.width}"
            )
        if num_returned > search.width:
            raise ValueError(
                f"`num_returned` must be at most `search.width`. Received: "
                f"num_returned={num_returned}, width={search.width}"
            )
        if repetition_penalty != 1:
            raise ValueError(
                "`repetition_penalty` must be 1 with a `BeamSearch`. "
                f"Received: {repetition_penalty}"
            )
