"""Which layers of an encoder another model reads."""

from typing import Literal

import keras

from keras_ctx import layers

Mix = Literal["last", "scalar_mix", "concat_last_4"] | layers.ScalarMix


def check_mix(encoder: keras.Model, mix: Mix, last: tuple[str, ...]) -> None:
    """Refuses a mixture that the encoder does not have.

    Args:
        encoder: Any encoder.
        mix: Which layers are read.
        last: The outputs that are read with "last".
    """
    own = isinstance(mix, layers.ScalarMix)
    if not own and mix not in ("last", "scalar_mix", "concat_last_4"):
        raise ValueError(
            '`mix` must be "last", "scalar_mix", "concat_last_4" or a '
            f"ScalarMix layer. Received: mix={mix!r}"
        )
    if mix == "concat_last_4" and len(encoder.output["layers"]) < 4:
        raise ValueError(
            '`mix="concat_last_4"` needs an encoder with at least 4 `layers`; '
            'use "scalar_mix" or "last" for this one. '
            f"Received: {len(encoder.output['layers'])}"
        )
    if mix == "last" and (missing := set(last) - set(encoder.output)):
        raise ValueError(
            f'`mix="last"` needs an encoder with {", ".join(sorted(missing))}, '
            "which an encoder taken out of a task model may lack; use "
            f'"scalar_mix". Received: {encoder.name!r} with the outputs '
            f"{sorted(encoder.output)}"
        )
