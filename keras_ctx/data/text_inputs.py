"""The interface of text inputs that datasets use."""

from typing import Any, Protocol

import tensorflow as tf


class TextInputs(Protocol):
    """The part of a `keras_ctx.text.TextInputs` that datasets use.

    This package does not import `keras_ctx.text`. A test checks that both
    classes agree. `None` means that a class does not have the value.
    """

    @property
    def max_length(self) -> Any: ...

    @property
    def vocabulary(self) -> Any: ...

    @property
    def vocabulary_size(self) -> Any: ...

    @property
    def pad_id(self) -> int: ...

    @property
    def mask_id(self) -> Any: ...

    @property
    def special_ids(self) -> tuple[int, ...]: ...

    def __call__(
        self, text: Any, text_pair: Any = None
    ) -> dict[str, tf.Tensor]: ...

    def tokens(self, text: Any, text_pair: Any = None) -> tf.Tensor: ...

    def num_tokens(self, text: Any, text_pair: Any = None) -> tf.Tensor: ...

    @property
    def limit(self) -> str: ...

    def is_cut(
        self, text: Any, text_pair: Any = None, width: int | None = None
    ) -> tf.Tensor: ...

    def words(self, text: Any) -> Any: ...

    def word_lengths(self, words: Any) -> tf.RaggedTensor: ...

    def word_index(self, words: Any, second_words: Any = None) -> tf.Tensor: ...

    def align_labels(
        self, words: Any, label_ids: Any, ignore: int = -1
    ) -> tf.Tensor: ...

    def special_positions(self, num_texts: int = 1) -> int: ...
