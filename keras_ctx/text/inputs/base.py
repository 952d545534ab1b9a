"""What all text inputs have in common, and the registry of their classes."""

import abc
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import tensorflow as tf

from keras_ctx.text.tokenize.word_places import WordPlaces


class TextInputs(abc.ABC):
    """Turns texts into what an encoder reads, as TensorFlow ops.

    The base of `BertInputs`, `ElmoInputs` and the like. Datasets, recipes,
    predictions and exports know text inputs by this class alone, so one of
    your own works in all of them. Give `input_key`, the methods that are
    abstract here and, where they differ, the attributes; then
    `register_text_inputs` lets files name the class. Where a token is a word,
    `WordLevelInputs` has most of it.

    Call arguments:
        text: strings `(B,)`, or ragged words `(B, None)`.
        text_pair: None, or the same for the second text of each pair.

    Returns:
        A dict of features by the names of the encoder's inputs, with B rows
        of T positions, T at least 1.

    Example:
        >>> from keras_ctx.text import ElmoInputs
        >>> inputs = ElmoInputs(max_characters=5)
        >>> isinstance(inputs, TextInputs), inputs.input_key
        (True, 'char_ids')
        >>> inputs.with_settings(max_length=9).max_length
        9
    """

    input_key: str
    """The feature that tells its encoders from others, such as "token_ids"."""
    # Any: a class that always has one need not check for `None`.
    max_length: Any = None
    """Most positions in a row, an integer; `None` for no limit."""
    max_characters: Any = None
    """Ids a word, where a word is a row of them; otherwise `None`."""
    split: str = "whitespace"
    """How a text is cut into words."""
    vocabulary: Any = None
    """The tokens, a tuple in the order of their ids; `None` where there is no
    list of them."""
    vocabulary_size: Any = None
    """How many there are, or `None`."""
    takes_pairs: bool = True
    """Whether a row may hold two texts."""
    pad_id: int = 0
    """The id of `position_key` on padding."""
    mask_id: int | None = None
    """The id that hides a token of a masked language model, if there is one."""
    special_ids: tuple[int, ...] = ()
    """The ids of tokens that are no text, such as [CLS]; never hidden."""
    unknown_token: str | None = None
    """What stands for a token outside the vocabulary; `None` where there is
    no such token."""
    distinct: bool = False
    """Whether each word of a batch is given once, as for `distinct_words`."""

    @property
    def tables(self) -> tuple[Any, ...]:
        """Look-up tables, which an export has to track."""
        return ()

    @abc.abstractmethod
    def __call__(
        self, text: Any, text_pair: Any = None
    ) -> dict[str, tf.Tensor]: ...

    @abc.abstractmethod
    def tokens(self, text: Any, text_pair: Any = None) -> tf.Tensor:
        """The text behind every position: strings `(B, T)`, "" on padding."""

    @abc.abstractmethod
    def num_tokens(self, text: Any, text_pair: Any = None) -> tf.Tensor:
        """How many positions each row needs before any cut, int32 `(B,)`."""

    @abc.abstractmethod
    def words(self, text: Any) -> WordPlaces:
        """The words of texts `(B,)`, and their places in characters."""

    @abc.abstractmethod
    def word_lengths(self, words: Any) -> tf.RaggedTensor:
        """How many positions each word takes, ragged int32 `(B, None)`."""

    @abc.abstractmethod
    def word_index(self, words: Any, second_words: Any = None) -> tf.Tensor:
        """The number of the word at each position, int32 `(B, T)`.

        -1 on every other position. With `second_words` those are counted.
        """

    @abc.abstractmethod
    def align_labels(
        self, words: Any, label_ids: Any, ignore: int = -1
    ) -> tf.Tensor:
        """Labels of words as labels of positions, int32 `(B, T)`."""

    @abc.abstractmethod
    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Builds the object that `get_config` described."""
        return cls(**config)

    def with_settings(self, **settings: Any) -> Self:
        """The same with other arguments of the constructor."""
        return self.from_config({**self.get_config(), **settings})

    def lower_cased(self) -> Self:
        """The same with case folded first; itself where it has no such way."""
        return self

    def uncut(self) -> Self:
        """The same without a length of its own: that of the encoder remains.

        Rows are as long as the longest of the batch, and every word of a row
        is given in its place.
        """
        return self.with_settings(max_length=None)

    @property
    def position_key(self) -> str:
        """The feature with an id, or a row of ids, for each position."""
        return self.input_key

    def padding_mask(self, features: Mapping[str, Any]) -> tf.Tensor:
        """Which positions are real, bool `(B, T)`, told by the ids alone."""
        real = tf.convert_to_tensor(features[self.position_key]) != self.pad_id
        axes = list(range(2, len(real.shape)))
        return tf.reduce_any(real, axis=axes) if axes else real

    def check_features(self, features: Mapping[str, Any]) -> None:
        """Refuses, in the graph, what cannot be the features of one batch."""
        del features  # Rows that a server has joined are a batch of more rows.

    def unknown(
        self, features: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """What the vocabulary does not know, and what is text at all.

        Args:
            features: as the call gives them.

        Returns:
            Two arrays of bool, `(B, ...)`; `None` where there is no unknown
            token.
        """
        del features
        return None

    def special_positions(self, num_texts: int = 1) -> int:
        """How many positions of a row are no text's, such as [CLS]."""
        with tf.init_scope():  # a number, also where a graph is being made
            words = [_one_word() for _ in range(num_texts)]
            total = self.num_tokens(*words)[0]
            of_texts = [self.word_lengths(x).values[0] for x in words]
            return int(total) - sum(map(int, of_texts))

    def leading_positions(self) -> int:
        """Those of them that stand before a single text, such as [CLS]."""
        with tf.init_scope():
            index = self.word_index(_one_word())[0].numpy().tolist()
        return index.index(0)

    def check_sizes(
        self, sizes: Mapping[str, Any], folder: str | Path, pairs: bool = False
    ) -> None:
        """Refuses the sizes of an encoder that this does not fit.

        Args:
            sizes: Of the encoder's family, `keras_ctx.models.Family.sizes`.
            folder: Where both are from, for the message.
            pairs: Whether a row holds two texts.

        Raises:
            ValueError: something does not fit.
        """
        if pairs:
            self.check_pairs(sizes, folder)
        width = sizes.get("max_characters")
        if width is not None and width != self.max_characters:
            raise ValueError(
                f"{folder}: the encoder reads {width} characters of a word, "
                f"the text inputs give {self.max_characters}. Set "
                f'"max_characters" to {width} in text_inputs.json, or take '
                "both from the same run or checkpoint."
            )
        rows = sizes.get("vocabulary_size")
        if None not in (rows, self.vocabulary_size) and (
            self.vocabulary_size > rows
        ):
            raise ValueError(
                f"{folder}: the table of the encoder has {rows} rows, the "
                f"vocabulary of the text inputs {self.vocabulary_size} "
                "tokens; so it is the vocabulary of another encoder. Take both "
                "from the same run or checkpoint."
            )

    def check_pairs(self, sizes: Mapping[str, Any], folder: str | Path) -> None:
        """Refuses pairs of texts where this, or the encoder, has no way."""
        if not self.takes_pairs:
            raise ValueError(
                f"{folder}: the text inputs ({type(self).__name__}) take one "
                "text a row, no pairs. Join the texts into one, or take "
                "another encoder."
            )
        segments = sizes.get("num_segments")
        if segments is not None and segments < 2:
            raise ValueError(
                f"{folder}: the encoder must have two segments to read pairs "
                "of texts: the second has ids of its own. Received: "
                f"{segments} (`type_vocab_size`). Join the texts into one, or "
                "take another encoder."
            )


def _one_word() -> Any:
    return tf.ragged.constant([["a"]])


REGISTRY: dict[str, type[TextInputs]] = {}
"""The classes that a file of `save_inputs` may name."""

Class = TypeVar("Class", bound=type[TextInputs])


def register_text_inputs(cls: Class) -> Class:
    """Lets `save_inputs` and `load_inputs` name a class of text inputs.

    Args:
        cls: A class that derives from `TextInputs`. It is known by its name
            alone, so that no other may have it.

    Returns:
        The same class: write it as a decorator.

    Raises:
        ValueError: another kind of class, or a name that is taken.

    Example:
        >>> from keras_ctx.text import WordInputs
        >>> @register_text_inputs
        ... class MyWords(WordInputs):
        ...     pass
        >>> register_text_inputs(type("BertInputs", (WordInputs,), {}))
        Traceback (most recent call last):
        ValueError: `cls` must have a name of its own. Received: BertInputs, ...
    """
    if not (isinstance(cls, type) and issubclass(cls, TextInputs)):
        raise ValueError(
            f"`cls` must be a class that derives from `TextInputs`. "
            f"Received: {cls!r}"
        )
    before = REGISTRY.get(cls.__name__)
    if before is not None and _origin(before) != _origin(cls):
        raise ValueError(
            "`cls` must have a name of its own. Received: "
            f"{cls.__name__}, which is the name of {before!r}"
        )
    REGISTRY[cls.__name__] = cls  # a module that is loaded anew replaces it
    return cls


def _origin(cls: type) -> tuple[str, str]:
    return cls.__module__, cls.__qualname__
