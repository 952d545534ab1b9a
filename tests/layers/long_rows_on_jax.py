"""Compares long rows with and without chunks and checkpoints, on JAX.

KERAS_BACKEND=jax python long_rows_on_jax.py
"""

import jax
import jax.numpy as jnp
import keras
import numpy as np

from keras_ctx.layers import TransformerEncoderBlock
from keras_ctx.layers.transformer import attention
from keras_ctx.layers.transformer import chunked_attention as chunked

B, T, D = 2, 11, 4
random = np.random.default_rng(0)
X = random.normal(size=(B, T, D)).astype("float32")
PADDING = np.arange(T) < np.array([[T], [6]])
CAUSAL = np.tril(np.ones((1, T, T), bool))


def answers(limit: int, checkpointing: bool, rate: float) -> list:
    """Returns loss, output, seeds, and the gradients of weights and inputs."""
    attention.PLAIN_LENGTH = chunked.PLAIN_LENGTH = limit
    chunked.CHUNK = 4
    keras.utils.set_random_seed(1)
    block = TransformerEncoderBlock(
        2,
        8,
        dropout=rate,
        attention_dropout=rate,
        gradient_checkpointing=checkpointing,
        initializer_range=0.7,
    )
    block.build(X.shape)

    @jax.jit
    def step(trainable, x, others, padding, causal):
        def loss(trainable, x, others):
            for _ in range(2):
                x, others = block.stateless_call(
                    trainable,
                    others,
                    x,
                    padding_mask=padding,
                    attention_mask=causal,
                    training=True,
                )
            return jnp.sum(x * X), (x, others)

        return jax.value_and_grad(loss, (0, 1), has_aux=True)(
            trainable, x, others
        )

    values = (
        [v.value for v in variables]
        for variables in (
            block.trainable_variables,
            block.non_trainable_variables,
        )
    )
    trainable, others = values
    return jax.tree.leaves(step(trainable, X, others, PADDING, CAUSAL))


def check(found: list, expected: list) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def main() -> None:
    check(answers(3, False, 0.0), answers(512, False, 0.0))
    check(answers(512, True, 0.4), answers(512, False, 0.4))
    check(answers(3, True, 0.4), answers(3, False, 0.4))


if __name__ == "__main__":
    main()
