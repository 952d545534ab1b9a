"""What a search needs of a model: to read tokens, and to keep a state."""

from typing import Any, Protocol

import keras


class Decoder(Protocol):
    """The decoder of a model, which reads a text a token at a time.

    It keeps the tokens that it has read as a state: a nest of tensors
    `(B, ...)`, whose rows a beam search reorders. A second nest of tensors is
    changed by no step, such as the keys of an encoder's tokens. `decoder_of`
    returns the decoder of a model of this library; any class with these
    members is a decoder, too.

    Example:
        >>> import numpy as np
        >>> from keras_ctx.generation import decoder_of
        >>> from keras_ctx.models import causal_language_model, gpt_encoder
        >>> model = causal_language_model(gpt_encoder(9, 1, 2, 8, 16))
        >>> decoder = decoder_of(model)
        >>> logits, state, fixed = decoder.begin(
        ...     np.array([[1, 2]]), np.array([2], "int32"), 4, {})
        >>> logits, state = decoder.step(np.array([5], "int32"), state, fixed)
        >>> tuple(logits.shape)
        (1, 9)
    """

    @property
    def encoder(self) -> keras.Model | None:
        """The encoder whose outputs `begin` takes; `None` without one."""
        ...

    @property
    def max_length(self) -> int:
        """The most tokens of a text."""
        ...

    @property
    def vocabulary_size(self) -> int:
        """Number of tokens that can be written."""
        ...

    def begin(
        self,
        token_ids: Any,
        lengths: Any,
        room: Any,
        encoded: dict[str, Any],
    ) -> tuple[Any, Any, Any]:
        """Reads the beginnings of texts.

        Args:
            token_ids: Integers `(B, T)`, with padding behind the text.
            lengths: Integers `(B,)`, the number of real tokens of each row.
            room: The most tokens of any text, its beginning included.
            encoded: The outputs of `encoder`, by name; empty without one.

        Returns:
            The logits `(B, V)` of the next tokens, the state, and the nest of
            tensors that no step changes.
        """
        ...

    def step(self, token_ids: Any, state: Any, fixed: Any) -> tuple[Any, Any]:
        """Reads one more token of each row.

        Args:
            token_ids: Integers `(B,)`.
            state: From `begin` or the step before. The caller does not use it
                again, so a step may write into it.
            fixed: The last result of `begin`.

        Returns:
            The logits `(B, V)`, and the new state.
        """
        ...
