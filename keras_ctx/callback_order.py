"""The order of callbacks, kept by the callbacks themselves."""

import keras


class PlacedCallback(keras.callbacks.Callback):
    """A callback that checks its position among the callbacks of a `fit`.

    Keras calls callbacks in the order of their list: what one of them adds to
    the logs only the later ones see. A list in the wrong order is refused
    before the first step.

    Attributes: `place`. `MEASURE` adds figures to the logs, `WRITE` writes or
    checks them, `SAVE` saves the state from which a run resumes.
    """

    place: int

    def set_params(self, params):
        # Keras gives all callbacks of a `fit` the same dict, in their order.
        super().set_params(params)
        before = params.get("placed_callback", self)
        if before.place > self.place:
            ours, theirs = type(self).__name__, type(before).__name__
            raise ValueError(
                f"`callbacks` must list {ours} before {theirs}, which needs "
                f"its results. Give it to `training.run_callbacks(folder, "
                "callbacks=[...])`, which sorts all of them. "
                f"Received: {theirs} before {ours}"
            )
        params["placed_callback"] = self


# Other callbacks, of Keras or your own, come between the first two, except
# `SwapEMAWeights`, whose averages must not be saved in a checkpoint.
MEASURE, OTHERS, WRITE, SAVE, LAST = range(5)


def in_order(
    callbacks: list[keras.callbacks.Callback],
) -> list[keras.callbacks.Callback]:
    """Sorts callbacks by `place`; those of equal place keep their order.

    Example:
        >>> class Score(PlacedCallback):
        ...     place = MEASURE
        >>> class Log(PlacedCallback):
        ...     place = WRITE
        >>> stop = keras.callbacks.EarlyStopping("loss")
        >>> [type(x).__name__ for x in in_order([Log(), stop, Score()])]
        ['Score', 'EarlyStopping', 'Log']
    """
    return sorted(callbacks, key=_place)


def _place(callback: keras.callbacks.Callback) -> int:
    if isinstance(callback, keras.callbacks.SwapEMAWeights):
        # It may leave averages in the model from one epoch to the next.
        return LAST
    return getattr(callback, "place", OTHERS)
