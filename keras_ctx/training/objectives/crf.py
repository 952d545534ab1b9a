"""The loss of a tagger with a conditional random field."""

import keras
import numpy as np
from keras import ops

from keras_ctx.layers.outputs.tag_paths import identity
from keras_ctx.layers.recurrent.recurrence import recur


@keras.saving.register_keras_serializable(package="keras_ctx")
class CRFLoss(keras.losses.Loss):
    """Negative log likelihood of the tags, from the `logits` of a CRF.

    The loss of a token is the negative log probability of its tag, given the
    row and the known tags before it; the losses of a row sum to the negative
    log likelihood of its tags. A tag is unknown, not wrong, if its weight is
    0 or its id is below 0 (at [CLS], or at a later piece of a word): the
    likelihood then sums over all tags at this token. The `constraints` of the
    layer do not matter here: tags that break them have a finite loss.

    A tag of N or more raises an error when called eagerly. In a graph, as in
    `model.fit`, the loss and the gradients are NaN.

    Call arguments:
        y_true: Tag ids `(B, T)`, below N; below 0 = unknown.
        y_pred: `logits` `(B, T, N, N)` of `keras_ctx.layers.CRF`.
        sample_weight: `(B, T)` as `keras_ctx.data.tagging_dataset` returns
            them, or `(B,)`. `None`: all 1; padding does not count.

    Raises:
        ValueError: Eagerly, for a tag of N or more whose weight is not 0.

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
        # All zeros are not log probabilities, except with a single tag.
        padding = ops.all(y_pred[:, :, 0] == 0, axis=-1)
        if num_tags > 1:
            tags = ops.where(padding, -1, tags)
        outside = tags >= num_tags
        _check(tags, outside, num_tags)
        possible = ops.expand_dims(tags, -1) == ops.arange(num_tags)
        possible = ops.logical_or(possible, ops.expand_dims(tags < 0, -1))
        costs = ops.where(possible, ops.cast(0.0, y_pred.dtype), -1e9)
        # Padding, where all logits are 0, passes on the previous tag.
        keeps = ops.where(padding[:, :, None, None], identity(y_pred), 0)
        steps = y_pred + ops.expand_dims(costs, -2) + keeps

        def step(chances, state):
            # The probabilities in the state are normalized to sum to 1.
            state = state - ops.logsumexp(state, axis=-1, keepdims=True)
            return ops.logsumexp(chances + ops.expand_dims(state, -1), axis=-2)

        start = ops.zeros_like(steps[:, 0, 0])
        shares = ops.logsumexp(recur(step, start, steps), axis=-1)
        # A factor of NaN makes the gradients NaN, too.
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
            f"`y_true` must hold tags below {num_tags}, the CRF's `num_tags`. "
            f"Received: {ops.convert_to_numpy(tags)[row, token]} in row {row} "
            f"at token {token}. Build the tagger with `num_tags` for every "
            "tag of the data, or give that token the weight 0."
        )
