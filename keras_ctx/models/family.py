"""Families of encoders: what the library knows of each, one row a family."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras


def _no_sizes(encoder: keras.Model) -> Mapping[str, Any]:
    del encoder
    return {}


@dataclass(frozen=True)
class Family:
    """What the library knows of one kind of encoder.

    An encoder is a functional model from a dict of features to a dict of
    `layers`, a list of L+1 tensors `(B, T, D)`, `sequence`, the last of them,
    `pooled` `(B, D)` and `padding_mask` `(B, T)`. All heads, training,
    predictions and exports work on any such model. With its row, and text
    inputs that name its inputs, so do the recipes and `encoder_of`.

    Example:
        >>> from keras_ctx.models import bert_tiny
        >>> family = family_of(bert_tiny(100))
        >>> family.name, family.input_key, family.text_inputs
        ('bert', 'token_ids', ('BertInputs',))
    """

    name: str
    """In one word, such as "bert"."""
    reads: str
    """What its first input holds, for messages: "the token ids of a BERT"."""
    inputs: tuple[str, ...]
    """Inputs that all its models have; the first is its `input_key`."""
    layers: tuple[str, ...]
    """Names of layers that all its models have."""
    text_inputs: tuple[str, ...]
    """Names of the classes of text inputs that give `inputs`."""
    encoder: Callable[[keras.Model, str | None], keras.Model]
    """From a model that holds its layers, such as one of pretraining, and a
    name, or `None` for that of its kind, to the encoder alone."""
    stack: Callable[[keras.Model], list[list[keras.layers.Layer]]]
    """Its layers from the lowest, for `keras_ctx.training.layer_rates`: those
    in one list learn together. A pooler is left out: it counts as head."""
    sizes: Callable[[keras.Model], Mapping[str, Any]] = _no_sizes
    """What its text inputs must fit, by name: such as `vocabulary_size`, rows
    of the table; `num_segments`; `positions`, most tokens of a row;
    `max_characters`, ids a word. What there is no limit of is left out."""
    position_table: str | None = None
    """The class of the layer whose `max_length` is the most positions, by its
    name in a file."""
    token_layer: str | None = None
    """The layer that gives a word's vector from its ids alone, which
    `from_word_vectors` leaves out."""
    recurrent: bool = False
    """Whether it has first states, which `warm_start` measures."""

    @property
    def input_key(self) -> str:
        """The input that tells its text inputs from others."""
        return self.inputs[0]

    def fits(self, model: keras.Model) -> int:
        """How many inputs and layers of the row a model has; 0 if not all."""
        inputs = getattr(model, "input", None)
        if not isinstance(inputs, dict) or not set(self.inputs) <= set(inputs):
            return 0
        names = {layer.name for layer in model.layers}
        if not set(self.layers) <= names:
            return 0
        return len(self.inputs) + len(self.layers)


_FAMILIES: dict[str, Family] = {}


def register_family(family: Family) -> Family:
    """Makes a family of encoders known to the library.

    Args:
        family: Its row. One of the same name is replaced.

    Returns:
        The same row.

    Raises:
        ValueError: `family` is no `Family`, or has no input.

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
    """Returns the rows of all families, in the order in which they came."""
    return tuple(_FAMILIES.values())


def family_of(model: keras.Model) -> Family:
    """Returns the family of an encoder, or of the encoder in a task model.

    Where the inputs and layers of several rows are there, it is the row that
    names most of them.

    Args:
        model: An encoder; or a model that trains one, or that holds one.

    Returns:
        A `Family`.

    Raises:
        ValueError: A model of another kind.

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
            "encoder of a family that is registered. "
            f"Received: a model with the inputs {named}"
        )
    return fitting[max(fitting)]


def encoder_part(model: keras.Model) -> keras.Model:
    """The one model inside a model, as under a head; or the model itself."""
    # Under a head it is a layer of its own, cut to what the head reads.
    inside = [x for x in model.layers if isinstance(x, keras.Model)]
    return inside[0] if len(inside) == 1 else model
