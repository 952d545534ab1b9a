"""Families of encoders: one entry describes each kind of encoder."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras

CONTEXT_ENCODER = "context_encoder"
"""Name of the frozen model inside a `recurrent_encoder`."""


def _no_sizes(encoder: keras.Model) -> Mapping[str, Any]:
    del encoder
    return {}


@dataclass(frozen=True)
class Family:
    """A kind of encoder, described for the library.

    An encoder is a functional model from a dict of features to a dict of
    `layers`, a list of L+1 tensors `(B, T, D)`, `sequence`, the last of them,
    `pooled` `(B, D)` and `padding_mask` `(B, T)`. All heads, training,
    predictions and exports work with any such model. With an entry here, and
    text inputs for its inputs, the recipes and `encoder_of` do, too.

    Example:
        >>> from keras_ctx.models import bert_tiny
        >>> family = family_of(bert_tiny(100))
        >>> family.name, family.input_key, family.text_inputs
        ('bert', 'token_ids', ('BertInputs',))
    """

    name: str
    """Name of the family, such as "bert"."""
    reads: str
    """Content of the first input, for messages: "the token ids of a BERT"."""
    inputs: tuple[str, ...]
    """Inputs that all models of the family have; the first is `input_key`."""
    layers: tuple[str, ...]
    """Names of layers that all models of the family have."""
    text_inputs: tuple[str, ...]
    """Names of the classes of text inputs that return `inputs`."""
    encoder: Callable[[keras.Model, str | None], keras.Model]
    """Function that takes a model with the encoder's layers, such as a
    pretraining model, and a name, or `None` for the default, and returns the
    encoder alone."""
    stack: Callable[[keras.Model], list[list[keras.layers.Layer]]]
    """Function that returns the layers, lowest first, for
    `keras_ctx.training.layer_rates`: those in one list have one rate. A
    pooler is left out: it counts as part of the head."""
    sizes: Callable[[keras.Model], Mapping[str, Any]] = _no_sizes
    """Function that returns sizes which text inputs must fit, by name, such as
    `vocabulary_size`, rows of the table; `num_segments`; `positions`, the most
    tokens of a row; `max_characters`, ids per word. Sizes without a limit are
    left out."""
    position_table: str | None = None
    """Class name, in a file, of the layer whose `max_length` is the number of
    positions."""
    token_layer: str | None = None
    """The layer that computes the vector of a word from its ids alone;
    `from_word_vectors` leaves it out."""
    causal: bool = False
    """Whether a token sees only itself and the tokens before it."""
    recurrent: bool = False
    """Whether its LSTMs have initial states; `warm_start` measures those of
    an ELMo."""
    frozen: tuple[str, ...] = ()
    """Names of layers that stay frozen when the rest of a loaded encoder is
    made trainable, such as a table of published word vectors."""

    @property
    def input_key(self) -> str:
        """The input that distinguishes its text inputs from others."""
        return self.inputs[0]

    def fits(self, model: keras.Model) -> int:
        """Counts the inputs and layers of the family; 0 if any is missing."""
        inputs = getattr(model, "input", None)
        if not isinstance(inputs, dict) or not set(self.inputs) <= set(inputs):
            return 0
        names = {layer.name for layer in model.layers}
        if not set(self.layers) <= names:
            return 0
        return len(self.inputs) + len(self.layers)


_FAMILIES: dict[str, Family] = {}


def register_family(family: Family) -> Family:
    """Registers a family of encoders.

    Args:
        family: The family. It replaces one of the same name.

    Returns:
        The same family.

    Raises:
        ValueError: `family` is not a `Family`, or has no input.

    Example:
        >>> from dataclasses import replace
        >>> from keras_ctx.models import bert_tiny
        >>> bert = register_family(family_of(bert_tiny(100)))
        >>> register_family(replace(bert, inputs=()))
        Traceback (most recent call last):
        ValueError: `family` must be a `Family` with one input or more. ...
    """
    if not isinstance(family, Family) or not family.inputs:
        raise ValueError(
            "`family` must be a `Family` with one input or more. "
            f"Received: {family!r}"
        )
    _FAMILIES[family.name] = family
    return family


def families() -> tuple[Family, ...]:
    """Returns all families, in the order of registration."""
    return tuple(_FAMILIES.values())


def family_of(model: keras.Model) -> Family:
    """Returns the family of an encoder, or of the encoder in a task model.

    If a model fits several families, it is the one that names the most inputs
    and layers, and of equal ones the one that was registered last.

    Args:
        model: An encoder, or a model that contains one.

    Returns:
        A `Family`.

    Raises:
        ValueError: The model fits no registered family.

    Example:
        >>> from keras_ctx.models import elmo_word_encoder, tagger
        >>> family_of(tagger(elmo_word_encoder(9, 8, 4), 3)).name
        'elmo_words'
    """
    inner = encoder_part(model)
    fitting = {family.fits(inner): family for family in families()}
    if max(fitting, default=0) == 0:
        inputs = getattr(inner, "input", None)
        named = sorted(inputs) if isinstance(inputs, dict) else inputs
        raise ValueError(
            "`model` must be one of `elmo_language_model` or "
            "`bert_pretrainer`, have a head of `keras_ctx.models`, or be an "
            "encoder of a registered family. "
            f"Received: a model with the inputs {named}"
        )
    return fitting[max(fitting)]


def encoder_part(model: keras.Model) -> keras.Model:
    """Returns the one model inside a model, or the model itself."""
    # Under a head the encoder is a layer, with the outputs that are read.
    inside = encoders_inside(model)
    return inside[0] if len(inside) == 1 else model


def encoders_inside(model: keras.Model) -> list[keras.Model]:
    """Returns the models that are layers of a model: encoders under a head.

    The frozen model inside a `recurrent_encoder` is a part of this encoder.
    """
    return [
        layer
        for layer in model.layers
        if isinstance(layer, keras.Model) and layer.name != CONTEXT_ENCODER
    ]
