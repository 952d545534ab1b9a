"""The base class of all text inputs, and the registry of their classes."""

import abc
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import tensorflow as tf

from keras_ctx.text.tokenize.word_places import WordPlaces


class TextInputs(abc.ABC):
    """The base class of text inputs, which turn texts into encoder inputs.

    It is the base of `BertInputs`, `ElmoInputs` and the others. Datasets,
    recipes, predictions and exports use only this interface, so your own
    subclass works in all of them. Define `input_key`, the abstract methods
    and the attributes that differ from the defaults. Register the class with
    `register_text_inputs`, so that files can name it. If a token is a word,
    derive from `WordLevelInputs`, which implements most methods.

    Call arguments:
        text: Strings `(B,)`, or ragged words `(B, None)`.
        text_pair: None, or the second text of each pair, in the same form.

    Returns:
        A dict from the names of the encoder's inputs to features of B rows
        and T positions, T at least 1.

    Example:
        >>> from keras_ctx.text import ElmoInputs
        >>> inputs = ElmoInputs(max_characters=5)
        >>> isinstance(inputs, TextInputs), inputs.input_key
        (True, 'char_ids')
        >>> inputs.with_settings(max_length=9).max_length
        9
    """

    input_key: str
    """The feature that identifies the kind of encoder, such as "token_ids"."""
    # Any: a class that always has a limit need not check for `None`.
    max_length: Any = None
    """Maximum number of positions in a row; `None` for no limit."""
    max_characters: Any = None
    """Number of ids per word if a word is a row of ids; otherwise `None`."""
    split: str = "whitespace"
    """How a text is split into words."""
    vocabulary: Any = None
    """The tokens, a tuple in the order of their ids; `None` without a
    vocabulary."""
    vocabulary_size: Any = None
    """Number of tokens in the vocabulary, or `None`."""
    takes_pairs: bool = True
    """Whether a row may hold a text pair."""
    pad_id: int = 0
    """The id of `position_key` on padding."""
    mask_id: int | None = None
    """The id of the mask token of a masked language model, or `None`."""
    special_ids: tuple[int, ...] = ()
    """The ids of special tokens, such as [CLS], which are never masked."""
    unknown_token: str | None = None
    """The token for words outside the vocabulary, or `None`."""
    mask_from_ids: bool = True
    """Whether the ids alone tell padding: no real token has the id `pad_id`."""
    distinct: bool = False
    """Whether each word of a batch is given once, as for `distinct_words`."""

    @property
    def tables(self) -> tuple[Any, ...]:
        """The lookup tables that an export must track."""
        return ()

    @abc.abstractmethod
    def __call__(
        self, text: Any, text_pair: Any = None
    ) -> dict[str, tf.Tensor]: ...

    @abc.abstractmethod
    def tokens(self, text: Any, text_pair: Any = None) -> tf.Tensor:
        """Returns the text of each position, `(B, T)`; "" on padding."""

    @abc.abstractmethod
    def num_tokens(self, text: Any, text_pair: Any = None) -> tf.Tensor:
        """Counts the positions of each row before any cut, int32 `(B,)`."""

    @property
    def limit(self) -> str:
        """What a row may have at most, in words, for messages."""
        return f"{self.max_length} tokens"

    def is_cut(
        self, text: Any, text_pair: Any = None, width: int | None = None
    ) -> tf.Tensor:
        """Tells which rows are longer than the model reads, bool `(B,)`.

        Args:
            text: As in the call.
            text_pair: As in the call.
            width: Number of positions of this batch, if it is known: then a
                batch that is too narrow for a cut row is not counted.
        """
        most = self.max_length
        if most is None or (width is not None and width < most):
            ragged = isinstance(text, tf.RaggedTensor)
            rows = text.nrows() if ragged else tf.shape(text)[0]
            return tf.fill([rows], False)
        return self.num_tokens(text, text_pair) > most

    @abc.abstractmethod
    def words(self, text: Any) -> WordPlaces:
        """Finds the words of texts `(B,)` and their character positions."""

    @abc.abstractmethod
    def word_lengths(self, words: Any) -> tf.RaggedTensor:
        """Counts the positions of each word, ragged int32 `(B, None)`."""

    @abc.abstractmethod
    def word_index(self, words: Any, second_words: Any = None) -> tf.Tensor:
        """Returns the index of the word at each position, int32 `(B, T)`.

        All other positions get -1. With `second_words`, only its words are
        counted.
        """

    @abc.abstractmethod
    def align_labels(
        self, words: Any, label_ids: Any, ignore: int = -1
    ) -> tf.Tensor:
        """Turns labels of words into labels of positions, int32 `(B, T)`."""

    @abc.abstractmethod
    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, serializable as JSON."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Creates the object from the dict that `get_config` returned."""
        return cls(**config)

    def with_settings(self, **settings: Any) -> Self:
        """Returns a copy with other constructor arguments."""
        return self.from_config({**self.get_config(), **settings})

    def lower_cased(self) -> Self:
        """Returns a copy that lower-cases texts, or itself if it cannot."""
        return self

    def uncut(self) -> Self:
        """Returns a copy without `max_length`; only the encoder limits it.

        Rows are as long as the longest of the batch, and every word of a row
        has its own position.
        """
        return self.with_settings(max_length=None)

    @property
    def position_key(self) -> str:
        """The feature with an id (or a row of ids) for each position."""
        return self.input_key

    def padding_mask(self, features: Mapping[str, Any]) -> tf.Tensor:
        """Returns True on real tokens, bool `(B, T)`, judged by ids only."""
        real = tf.convert_to_tensor(features[self.position_key]) != self.pad_id
        axes = list(range(2, len(real.shape)))
        return tf.reduce_any(real, axis=axes) if axes else real

    def check_features(self, features: Mapping[str, Any]) -> None:
        """Checks inside the graph that the features are of one batch."""
        del features  # A server may join the rows of several requests.

    def unknown(
        self, features: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Marks the unknown tokens, and the tokens that are text at all.

        Args:
            features: The features that the call returned.

        Returns:
            Two arrays of bool, `(B, ...)`: True on unknown tokens, and True
            on text. `None` if there is no unknown token.
        """
        del features
        return None

    def special_positions(self, num_texts: int = 1) -> int:
        """Counts the special tokens of a row, such as [CLS]."""
        with tf.init_scope():  # A number, also while a graph is being traced.
            words = [_one_word() for _ in range(num_texts)]
            total = self.num_tokens(*words)[0]
            of_texts = [self.word_lengths(x).values[0] for x in words]
            return int(total) - sum(map(int, of_texts))

    def leading_positions(self) -> int:
        """Counts the special tokens before a single text, such as [CLS]."""
        with tf.init_scope():
            index = self.word_index(_one_word())[0].numpy().tolist()
        return index.index(0)

    def check_sizes(
        self, sizes: Mapping[str, Any], folder: str | Path, pairs: bool = False
    ) -> None:
        """Checks that these text inputs fit the sizes of an encoder.

        Args:
            sizes: Sizes of the encoder, from `keras_ctx.models.Family.sizes`.
            folder: Folder of both, for the error message.
            pairs: Whether a row holds a text pair.

        Raises:
            ValueError: If a size does not fit.
        """
        if pairs:
            self.check_pairs(sizes, folder)
        width = sizes.get("max_characters")
        if width is not None and width != self.max_characters:
            raise ValueError(
                f"{folder}: the encoder reads {width} characters per word, "
                f"but the text inputs give {self.max_characters}. Set "
                f'"max_characters" to {width} in text_inputs.json, or take '
                "both from the same run or checkpoint."
            )
        rows = sizes.get("vocabulary_size")
        if None not in (rows, self.vocabulary_size) and (
            self.vocabulary_size > rows
        ):
            raise ValueError(
                f"{folder}: the embedding table of the encoder has {rows} "
                "rows, but the vocabulary of the text inputs has "
                f"{self.vocabulary_size} tokens, so it belongs to another "
                "encoder. Take both from the same run or checkpoint."
            )

    def check_pairs(self, sizes: Mapping[str, Any], folder: str | Path) -> None:
        """Checks that these text inputs and the encoder take text pairs."""
        if not self.takes_pairs:
            raise ValueError(
                f"{folder}: the text inputs ({type(self).__name__}) take one "
                "text per row, not text pairs. Join the texts into one, or "
                "use another encoder."
            )
        segments = sizes.get("num_segments")
        if segments is not None and segments < 2:
            raise ValueError(
                f"{folder}: the encoder must have two segments to read text "
                "pairs: the second text has its own segment id. Received: "
                f"{segments} (`type_vocab_size`). Join the texts into one, or "
                "use another encoder."
            )


def _one_word() -> Any:
    return tf.ragged.constant([["a"]])


REGISTRY: dict[str, type[TextInputs]] = {}
"""The classes that a file written by `save_inputs` may name."""

Class = TypeVar("Class", bound=type[TextInputs])


def register_text_inputs(cls: Class) -> Class:
    """Registers a class of text inputs for `save_inputs` and `load_inputs`.

    Args:
        cls: A class that derives from `TextInputs`. Files identify it by its
            name only, so the name must be unique.

    Returns:
        The same class, so that the function works as a decorator.

    Raises:
        ValueError: If the class does not derive from `TextInputs`, or if
            its name is already registered.

    Example:
        >>> from keras_ctx.text import WordInputs
        >>> @register_text_inputs
        ... class MyWords(WordInputs):
        ...     pass
        >>> register_text_inputs(type("BertInputs", (WordInputs,), {}))
        Traceback (most recent call last):
        ValueError: `cls` must have a unique name. Received: BertInputs, ...
    """
    if not (isinstance(cls, type) and issubclass(cls, TextInputs)):
        raise ValueError(
            f"`cls` must be a class that derives from `TextInputs`. "
            f"Received: {cls!r}"
        )
    before = REGISTRY.get(cls.__name__)
    if before is not None and _origin(before) != _origin(cls):
        raise ValueError(
            "`cls` must have a unique name. Received: "
            f"{cls.__name__}, which is the name of {before!r}"
        )
    REGISTRY[cls.__name__] = cls  # A reloaded module replaces its class.
    return cls


def _origin(cls: type) -> tuple[str, str]:
    return cls.__module__, cls.__qualname__
