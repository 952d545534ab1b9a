"""The vectors of a frozen encoder for the words of another one."""

from typing import Any

import keras
from keras import ops

from keras_ctx import layers
from keras_ctx.models.family import CONTEXT_ENCODER
from keras_ctx.models.heads.whole_rows import check_whole_rows
from keras_ctx.models.mixture import Mix, check_mix

PREFIX = "context_"
PLACES = f"{PREFIX}places"
"""The input with the position of each word, for an encoder of subwords."""


LAYER = f"{PREFIX}layer_"
"""Prefix of the names of the frozen encoder's layers at the words."""


class ContextVectors:
    """A frozen encoder as a layer of another model, with inputs of its own.

    Args:
        encoder: Any encoder; this sets `encoder.trainable` to false.
        mix: The layers to read, as for `classifier`.
        padding_mask: Booleans `(B, T)`, true = word.
    """

    def __init__(
        self, encoder: keras.Model, mix: Mix, padding_mask: Any
    ) -> None:
        check_mix(encoder, mix, ("sequence",))
        check_whole_rows(encoder)
        encoder.trainable = False
        self._mix, self._padding_mask = mix, padding_mask
        read = encoder.output["layers"]
        if mix == "last":
            read = [encoder.output["sequence"]]
        elif mix == "concat_last_4":
            read = read[-4:]
        frozen = keras.Model(encoder.input, read, name=CONTEXT_ENCODER)
        frozen.trainable = False
        own = {
            key: keras.Input(x.shape[1:], dtype=x.dtype, name=PREFIX + key)
            for key, x in encoder.input.items()
        }
        self.inputs = {PREFIX + key: x for key, x in own.items()}
        if "token_ids" in own:  # its tokens are parts of words
            self.inputs[PLACES] = keras.Input(
                (None,), dtype="int32", name=PLACES
            )
        self._read = [
            keras.layers.Identity(name=f"{LAYER}{k}")(self._of_words(x))
            for k, x in enumerate(frozen(own, training=False))
        ]

    def _of_words(self, x: Any) -> Any:
        x = ops.stop_gradient(x)
        if PLACES in self.inputs:
            x = layers.GatherPositions()(x, self.inputs[PLACES])
        return ops.where(ops.expand_dims(self._padding_mask, -1), x, 0)

    def __call__(self, place: str, several: bool = False) -> Any:
        """Returns the vectors of the words, `(B, T, D)`; zeros at padding.

        Args:
            place: Where they are joined, a value of `join`.
            several: Whether `join` has several values, each of which has its
                own mixture.
        """
        found, mix = self._read, self._mix
        name = f"{PREFIX}mix_{place}"
        if isinstance(mix, layers.ScalarMix):
            if several:
                mix = type(mix).from_config({**mix.get_config(), "name": name})
        elif mix == "scalar_mix":
            mix = layers.ScalarMix(len(found), name=name)
        elif mix == "concat_last_4":
            return ops.concatenate(found, axis=-1)
        else:
            return found[0]
        return mix(found, padding_mask=self._padding_mask)
