"""Turns texts into ids by SentencePiece, for translation."""

import base64
from typing import Any

import tensorflow as tf
import tensorflow_text as tf_text

from keras_ctx.text.inputs.base import register_text_inputs
from keras_ctx.text.inputs.subwords import SubwordInputs, never_empty
from keras_ctx.text.ragged.operations import ragged


@register_text_inputs
class SentencePieceInputs(SubwordInputs):
    """Text inputs of translators: `token_ids` and `padding_mask`.

    The tokens are those of a SentencePiece model, whatever it was trained
    for; `text.sentence_piece_model` trains one. `begin_id` is the model's token
    for the begin of a text, with which a decoder begins, or -1. The same object
    runs eagerly, in `tf.data` and inside a served graph, with TensorFlow Text's
    op.

    Args:
        model: The bytes of the model's file, or the same in base64, as
            `get_config` returns it.
        max_length: Maximum number of tokens in a row; `None` for no limit.
        start_id: The token before a text; `None`: none.
        end_id: The token behind a text; `None`: the model's end token.
        pad_id: The id of padding; `None`: the model's, or 0.

    Call arguments:
        text: Strings `(B,)`, or ragged words `(B, None)`.
        text_pair: None, or the second texts, in the same form; the end token
            stands between both.

    Returns:
        A dict of `token_ids`, int32 `(B, T)`, and `padding_mask`, bool
        `(B, T)`, True on real tokens.

    Raises:
        ValueError: If `model` is no SentencePiece model, an id is no token,
            `max_length` is below 4, or texts have another rank or dtype.

    Example:
        >>> from keras_ctx.text import sentence_piece_model
        >>> model = sentence_piece_model(["a cat sat on a mat"] * 9, 24)
        >>> inputs = SentencePieceInputs(model)
        >>> ids = inputs(["a cat", "cat"])["token_ids"]
        >>> inputs.decode(ids).numpy()
        array([b'a cat', b'cat'], dtype=object)

    Source: Kudo and Richardson 2018, https://arxiv.org/abs/1808.06226.
    """

    def __init__(
        self,
        model: bytes | str,
        max_length: int | None = None,
        start_id: int | None = None,
        end_id: int | None = None,
        pad_id: int | None = None,
    ) -> None:
        self.model = _bytes_of(model)
        processor = _processor(self.model)
        self.vocabulary_size = processor.GetPieceSize()
        self.vocabulary = tuple(
            processor.IdToPiece(i) for i in range(self.vocabulary_size)
        )
        own_end, own_pad = processor.eos_id(), processor.pad_id()
        self.end_id = own_end if end_id is None else end_id
        self.pad_id = max(own_pad, 0) if pad_id is None else pad_id
        self.unknown_id = processor.unk_id()
        self.begin_id = processor.bos_id()
        self.unknown_token = self.vocabulary[self.unknown_id]
        self.start_id = start_id
        self.max_length = max_length
        self._check()
        self.start = () if start_id is None else (start_id,)
        self.between = self.end = (self.end_id,)
        special = {self.end_id, self.pad_id, *self.start}
        self.special_ids = tuple(sorted(special))
        # Made inside of functions: an eager tokenizer is lost when TensorFlow
        # clears its kernels, as `keras.utils.set_random_seed` does.
        self._tokenize = tf.function(
            lambda text: tf_text.SentencepieceTokenizer(self.model).tokenize(
                text
            ),
            input_signature=[tf.TensorSpec([None], tf.string)],
        )
        self._detokenize = tf.function(
            lambda ids: tf_text.SentencepieceTokenizer(self.model).detokenize(
                ids
            ),
            input_signature=[tf.RaggedTensorSpec([None, None], tf.int32)],
        )

    def pieces(self, text: tf.Tensor) -> tf.RaggedTensor:
        found = self._tokenize(text)
        return ragged(found.values, tf.cast(found.row_splits, tf.int64))

    def piece_texts(self, ids: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.constant(self.vocabulary), ids)

    def word_pieces(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        return never_empty(self.pieces(words.values), self.unknown_id)

    def decode(self, token_ids: Any, padding_mask: Any = None) -> tf.Tensor:
        """Returns the texts of ids, without special tokens.

        Args:
            token_ids: Integers `(B, T)`, or ragged. Those that are no token
                are left out.
            padding_mask: Booleans `(B, T)`, True on real tokens; `None`: all
                are.

        Returns:
            Strings `(B,)`.
        """
        return self._detokenize(self._text_ids(token_ids, padding_mask))

    def get_config(self) -> dict[str, Any]:
        return {
            "model": base64.b64encode(self.model).decode("ascii"),
            "max_length": self.max_length,
            "start_id": self.start_id,
            "end_id": self.end_id,
            "pad_id": self.pad_id,
        }

    def _check(self) -> None:
        for name in ("start_id", "end_id", "pad_id"):
            value = getattr(self, name)
            if value is None:
                continue
            if not 0 <= value < self.vocabulary_size:
                raise ValueError(
                    f"`{name}` must be a token, from 0 to "
                    f"{self.vocabulary_size - 1}; give it if the model has "
                    f"none. Received: {name}={value}"
                )
        length = self.max_length
        if length is not None and (type(length) is not int or length < 4):
            raise ValueError(
                "`max_length` must be None or an integer of at least 4, for a "
                "token of each text of a pair and the tokens around them. "
                f"Received: max_length={length!r}"
            )


def _bytes_of(model: bytes | str) -> bytes:
    if isinstance(model, bytes):
        return model
    try:
        return base64.b64decode(model, validate=True)
    except ValueError as error:
        raise ValueError(
            "`model` must be the bytes of a SentencePiece model, or their "
            f"base64. Received: {model[:60]!r}: {error}"
        ) from error


def _processor(model: bytes) -> Any:
    """Returns the `sentencepiece` library's reader of a model."""
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor()
    try:
        processor.LoadFromSerializedProto(model)
    except RuntimeError as error:
        raise ValueError(
            "`model` must be the bytes of a SentencePiece model. "
            f"Received: {len(model)} bytes: {error}"
        ) from error
    return processor
