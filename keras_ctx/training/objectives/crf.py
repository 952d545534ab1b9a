"""The loss of a tagger with a conditional random field."""

import keras
import numpy as np
from keras import ops

from keras_ctx.layers.outputs.tag_paths import identity
from keras_ctx.layers.recurrent.recurrence import recur


@keras.saving.register_keras_serializable(package="keras_ctx")
class CRFLoss(keras.losses.Loss):
    """Negative log likelihood of the tags, from a CRF's `logits`.

    A token's share is the log of the probability of its tag, given the row
    and the tags that are known before it; the shares of a row add up to the
    log likelihood of its tags. A tag is unknown, not false, where its weight
    is 0 or its id is below 0 (at [CLS], or at a later piece of a word): the
    likelihood is then the sum over all tags that could stand there. The
    `constraints` of the layer change nothing here: tags that break them have
    a finite loss.

    A tag of N or more is an error when called eagerly. In a graph, as in
    `model.fit`, the loss is NaN, and so are the gradients.

    Call arguments:
        y_true: Tag ids `(B, T)`, below N; below 0 = unknown.
        y_pred: `logits` `(B, T, N, N)` of `keras_ctx.layers.CRF`.
        sample_weight: `(B, T)` as `keras_ctx.data.tagging_dataset` gives
            them, or `(B,)`. `None`: all 1; padding adds nothing.

    Raises:
        ValueError: A tag of N or more where the weight is not 0, eagerly.

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
        y_pred = ops.convert_to_tensor(y_pred)
        num_tags = y_pred.shape[-1]
        tags = ops.cast(y_true, "int32")
        # Zeros are no logs of probabilities, but of a single tag.
        padding = ops.all(y_pred[:, :, 0] == 0, axis=-1)
        if num_tags > 1:
            tags = ops.where(padding, -1, tags)
        outside = tags >= num_tags
        _check(tags, outside, num_tags)
        possible = ops.expand_dims(tags, -1) == ops.arange(num_tags)
        possible = ops.logical_or(possible, ops.expand_dims(tags < 0, -1))
        costs = ops.where(possible, ops.cast(0.0, y_pred.dtype), -1e9)
        # Padding, where all are 0, hands on the tag before it.
        keeps = ops.where(padding[:, :, None, None], identity(y_pred), 0)
        steps = y_pred + ops.expand_dims(costs, -2) + keeps

        def step(chances, state):
            # The state, one tag of it or all, is made to sum to 1 again.
            state = state - ops.logsumexp(state, axis=-1, keepdims=True)
            return ops.logsumexp(chances + ops.expand_dims(state, -1), axis=-2)

        start = ops.zeros_like(steps[:, 0, 0])
        shares = ops.logsumexp(recur(step, start, steps), axis=-1)
        # A factor, which makes the gradients NaN, too.
        shares = shares * ops.where(outside, float("nan"), 1.0)
        return ops.where(tags < 0, 0.0, -shares)


def _check(tags, outside, num_tags: int) -> None:
    try:
        found = ops.convert_to_numpy(outside)
    except (NotImplementedError, TypeError):
        return  # a graph has no values yet
    if found.any():
        row, token = np.argwhere(found)[0]
        raise ValueError(
            f"`y_true` must hold tags below the {num_tags} of the CRF. "
            f"Received: {ops.convert_to_numpy(tags)[row, token]} in row {row} "
            f"at token {token}. Build the tagger with `num_tags` for every "
            "tag of the data, or give that token the weight 0."
        )
