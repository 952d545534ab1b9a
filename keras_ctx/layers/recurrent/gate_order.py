"""The order of an LSTM's gates in its weights."""

from typing import NamedTuple

from keras import ops


class GateOrder(NamedTuple):
    """The places of the gates in the columns `(B, 4H)`, and a constant.

    Loops name them i, j, f, o: input gate, candidate, forget gate and output
    gate.
    """

    places: tuple[int, int, int, int]
    """The block of columns of i, j, f and o, from 0 to 3."""
    forget_bias: float
    """Added to the forget gate at run time, and not part of the bias."""

    def activated(self, z):
        """Activates the gates `(B, 4H)`.

        Returns:
            Input gate, candidate, forget gate, output gate, each `(B, H)`.
        """
        blocks = ops.split(z, 4, axis=-1)
        i, j, f, o = (blocks[place] for place in self.places)
        if self.forget_bias:
            f = f + self.forget_bias
        return ops.sigmoid(i), ops.tanh(j), ops.sigmoid(f), ops.sigmoid(o)

    def joined(self, *gates):
        """Concatenates i, j, f and o in the order of the columns."""
        blocks = [gates[self.places.index(k)] for k in range(4)]
        return ops.concatenate(blocks, axis=-1)


TENSORFLOW_1 = GateOrder((0, 1, 2, 3), 1.0)
"""i, j, f, o, as in ELMo's files."""
KERAS = GateOrder((0, 2, 1, 3), 0.0)
"""i, f, j, o, as in Keras and PyTorch."""
