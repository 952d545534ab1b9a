"""What a search needs of a model: it reads tokens, and keeps what it read."""

from typing import Any, Protocol

import keras


class Decoder(Protocol):
    """The decoder of a model, which reads a text a token at a time.

    What it keeps of the tokens is a state, a nest of tensors `(B, ...)` whose
    rows a beam search reorders, and a second nest that no step changes, such
    as what it knows of an encoder's tokens. `decoder_of` returns that of a
    model; a class with these members is one, too.

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
            lengths: Integers `(B,)`, the tokens of each row.
            room: The most tokens of any text, these included.
            encoded: The outputs of `encoder`, by name.

        Returns:
            The logits `(B, V)` of the next tokens, the state, and what no step
            changes.
        """
        ...

    def step(self, token_ids: Any, state: Any, fixed: Any) -> tuple[Any, Any]:
        """Reads one more token of each row.

        Args:
            token_ids: Integers `(B,)`.
            state: From `begin` or the step before, which is not read again.
            fixed: From `begin`.

        Returns:
            The logits `(B, V)`, and the new state.
        """
        ...
