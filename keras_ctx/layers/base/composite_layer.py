"""A layer whose sublayers stay quantized, or keep LoRA, in a file."""

import json
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_ctx.checks import check_at_least, check_positive
from keras_ctx.layers.base.keras_hooks import inner_layers

_FACTORS = (
    *("lora_kernel_a", "lora_kernel_b"),
    *("lora_embeddings_a", "lora_embeddings_b"),
)

MATRICES = ("kernel", "embeddings")
"""The weights of Keras layers that LoRA updates."""


def merged_matrix(layer: Any) -> np.ndarray:
    """Returns `W + lora_alpha / rank * A B` of a Keras layer with LoRA.

    Keras's property `kernel` rounds the sum under a half-precision policy.
    """
    found = {w.name: keras.ops.convert_to_numpy(w) for w in layer.weights}
    first, second = (found[name] for name in _FACTORS if name in found)
    (matrix,) = (found[name] for name in MATRICES if name in found)
    return matrix + layer.lora_alpha / layer.lora_rank * first @ second


class CompositeLayer(keras.layers.Layer):
    """A layer whose sublayers may be quantized or have LoRA.

    Keras changes layers in place (`quantize`, `enable_lora`) and records this
    in their configurations. A file does not contain those of sublayers, since
    the layer builds them from its own arguments. So the configuration of this
    layer records the changes, and `build` repeats them by calling
    `restore_sublayers` at its end.
    """

    _told = "{}"  # JSON: Keras would track a dict
    lora_rank: int | None = None
    lora_alpha: float | None = None

    def enable_lora(self, rank: int, lora_alpha: float | None = None) -> None:
        """Trains low-rank updates of the matrices instead of all weights.

        Each matrix W becomes `W + lora_alpha / rank * A B`; W, biases and
        norms are frozen. B starts at 0, so that the outputs do not change
        before the first step. A and B are ordinary weights: they are saved
        beside W, and can be trained further after loading.

        Args:
            rank: Columns of A and rows of B.
            lora_alpha: Strength of the updates; `None`: `rank`, factor 1.

        Raises:
            ValueError: An argument is not positive, or the layer is not
                built, is frozen or already has LoRA.

        Source:
            Hu et al. 2022, section 4, https://arxiv.org/abs/2106.09685, with
            `enable_lora` of Keras's layers.
        """
        check_at_least(1, rank=rank)
        check_positive(lora_alpha=lora_alpha)
        for wrong, what in (
            (not self.built, "is built. Call it or the model first"),
            (not self.trainable, "is trainable. LoRA itself freezes weights"),
            (self.lora_rank is not None, "does not have LoRA yet"),
        ):
            if wrong:
                raise ValueError(
                    f"`enable_lora` needs a layer that {what}. "
                    f"Received: {self.name!r}, lora_rank={self.lora_rank}"
                )
        self._add_lora(rank, rank if lora_alpha is None else lora_alpha)

    def _add_lora(self, rank: int, lora_alpha: float) -> None:
        self.lora_rank = rank
        self.lora_alpha = lora_alpha
        for layer in self._lora_layers():
            _enable(layer, rank, lora_alpha)
        self._freeze_base()

    def merged_weights(self) -> list[np.ndarray]:
        """Returns the weights as without LoRA, with the updates merged."""
        merged = {
            id(weight): merged_matrix(layer)
            for _, layer in _leaves(self)
            if getattr(layer, "lora_enabled", False)
            for weight in layer.weights
            if weight.name in MATRICES
        }
        return [
            merged[id(weight)]
            if id(weight) in merged
            else keras.ops.convert_to_numpy(weight)
            for weight in self.weights
            if weight.name not in _FACTORS
        ]

    def _lora_layers(self) -> list:
        """Returns the sublayers that `enable_lora` updates."""
        raise NotImplementedError

    def save_own_variables(self, store) -> None:
        super().save_own_variables(store)
        if self.lora_rank is not None:
            store["lora"] = np.array([self.lora_rank, self.lora_alpha])

    def load_own_variables(self, store) -> None:
        """Loads the variables of this layer; Keras loads sublayers after it.

        A subclassed model builds new layers without this configuration; then
        the file of weights tells whether they have LoRA.
        """
        if "lora" in store.keys() and self.lora_rank is None:
            rank, alpha = np.asarray(store["lora"]).tolist()
            self._add_lora(int(rank), alpha)
        super().load_own_variables(
            {key: store[key] for key in store.keys() if key != "lora"}
        )

    def _freeze_base(self) -> None:
        for _, layer in _leaves(self):
            for variable in layer.weights:
                if variable.name not in _FACTORS:
                    variable.trainable = False

    @property
    def trainable(self) -> bool:
        return keras.layers.Layer.trainable.fget(self)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        keras.layers.Layer.trainable.fset(self, value)
        if value and self.lora_rank is not None:
            self._freeze_base()  # Keras has just made all weights trainable

    def restore_sublayers(self) -> None:
        """Repeats the changes that `get_config` recorded."""
        restored, self._told = json.loads(self._told), "{}"
        if "lora" in restored:
            self._add_lora(**restored["lora"])
        leaves: dict[str, Any] = dict(_leaves(self))
        for path, config in restored.get("quantized", {}).items():
            config = keras.saving.deserialize_keras_object(config)
            leaves[path].quantize(config=config)

    def get_config(self):
        config: dict[str, Any] = super().get_config()
        changed = {}
        if self.lora_rank is not None:
            changed["lora"] = {
                "rank": self.lora_rank,
                "lora_alpha": self.lora_alpha,
            }
        quantized = {
            path: _quantization(layer)
            for path, layer in _leaves(self)
            if layer.quantization_mode is not None
        }
        if quantized:
            changed["quantized"] = quantized
        changed = changed or json.loads(self._told)  # before `build`
        return {**config, "sublayers": changed} if changed else config

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        changed = config.pop("sublayers", {})
        layer = super().from_config(config)
        layer._told = json.dumps(changed)
        return layer


def _leaves(layer: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for inner in inner_layers(layer):
        if inner_layers(inner):
            yield from _leaves(inner, f"{path}{inner.name}/")
        else:
            yield f"{path}{inner.name}", inner


def _quantization(layer: Any) -> dict:
    if layer.quantization_mode in ("gptq", "awq"):
        raise ValueError(
            f"A sublayer quantized with {layer.quantization_mode!r} cannot be "
            'saved. Quantize with "int8", "int4" or "float8", or export the '
            f"model. Received: {layer.path}"
        )
    config = keras.saving.serialize_keras_object(layer.quantization_config)
    return json.loads(json.dumps(config))  # as it comes back from a file


def _enable(layer: Any, rank: int, lora_alpha: float) -> None:
    """Enables LoRA on a Keras layer, and saves A and B as weights.

    Keras merges them into the matrix when it saves, and loads zeros for both,
    so that their gradients would be zero.
    """
    layer.enable_lora(rank, lora_alpha=lora_alpha)
    names = [name for name in _FACTORS if hasattr(layer, name)]
    save, load = layer.save_own_variables, layer.load_own_variables

    def save_own_variables(store):
        layer.lora_enabled = False
        try:
            save(store)
        finally:
            layer.lora_enabled = True
        for name in names:
            store[name] = getattr(layer, name)

    def load_own_variables(store):
        a, b = (getattr(layer, name) for name in names)
        fresh = keras.ops.convert_to_numpy(a)
        load(store)
        # A file without LoRA: as if it were enabled now.
        a.assign(store[names[0]] if names[0] in store else fresh)
        if names[1] in store:
            b.assign(store[names[1]])

    layer.save_own_variables = save_own_variables
    layer.load_own_variables = load_own_variables
