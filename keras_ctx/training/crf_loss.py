"""The loss of a tagger with a conditional random field."""

import keras
from keras import ops

from keras_ctx.layers.recurrence import recur


@keras.saving.register_keras_serializable(package="keras_ctx")
class CRFLoss(keras.losses.Loss):
    """Negative log likelihood of the tags, from a CRF's `logits`.

    A token's share is the log of the probability of its tag, given the row
    and the tags that are known before it; the shares of a row add up to the
    log likelihood of its tags. A tag is unknown, not false, where its weight
    is 0 or its id is below 0 (at [CLS], or at a later piece of a word): the
    likelihood is then the sum over all tags that could stand there.

    Call arguments:
        y_true: Tag ids `(B, T)`, below 0 = unknown.
        y_pred: `logits` `(B, T, N, N)` of `keras_ctx.layers.CRF`.
        sample_weight: `(B, T)` as `keras_ctx.data.tagging_dataset` gives
            them, or `(B,)`. `None`: all 1; padding adds nothing.

    Example:
        >>> import numpy as np
        >>> from keras_ctx.layers import CRF
        >>> logits = CRF(num_tags=4)(np.zeros((1, 3, 4)))["logits"]
        >>> loss = CRFLoss()(np.array([[3, 0, 2]]), logits)
        >>> round(float(loss), 4), round(3 * np.log(4).item(), 4)
        (4.1589, 4.1589)

    Source:
        Lafferty et al. 2001, section 4; unknown tags: Tsuboi et al. 2008,
        section 3, https://aclanthology.org/C08-1113.
    """

    def __init__(self, name: str = "crf", **kwargs):
        super().__init__(**{"name": name, "reduction": "sum", **kwargs})

    def __call__(self, y_true, y_pred, sample_weight=None):
        if sample_weight is not None:
            sample_weight = ops.convert_to_tensor(sample_weight)
            if len(sample_weight.shape) == 1:
                sample_weight = ops.expand_dims(sample_weight, -1)
            y_true = ops.where(
                sample_weight == 0, -1, ops.cast(y_true, "int32")
            )
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true, y_pred):
        tags = ops.cast(y_true, "int32")
        possible = ops.expand_dims(tags, -1) == ops.arange(y_pred.shape[-1])
        possible = ops.logical_or(possible, ops.expand_dims(tags < 0, -1))
        steps = ops.where(ops.expand_dims(possible, -2), y_pred, -1e9)

        def step(chances, state):
            # The state, one tag of it or all, is made to sum to 1 again.
            state = state - ops.logsumexp(state, axis=-1, keepdims=True)
            return ops.logsumexp(chances + ops.expand_dims(state, -1), axis=-2)

        start = ops.zeros_like(steps[:, 0, 0])
        shares = ops.logsumexp(recur(step, start, steps), axis=-1)
        return ops.where(tags < 0, 0.0, -shares)
