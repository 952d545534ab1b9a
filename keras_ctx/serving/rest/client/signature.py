"""The inputs and outputs of a signature of a served model."""

from typing import Any


class Signature:
    """The inputs and outputs of a signature, from the server's metadata.

    Args:
        found: Metadata of the signature.

    Attributes:
        inputs: The shape of each input by name; -1 is an axis of any size.
        outputs: The shape of each output by name.
        defaults: The values of inputs that a row may leave out.
        method: "predict", "classify" or "regress".
        takes_examples: Whether a row has the features of a `tf.train.Example`.

    Example:
        >>> size = {"dim": [{"size": "-1"}]}
        >>> signature = Signature({
        ...     "inputs": {"text": {"tensor_shape": size}},
        ...     "outputs": {},
        ...     "method_name": "tensorflow/serving/predict"})
        >>> signature.inputs, signature.method
        ({'text': [-1]}, 'predict')
    """

    def __init__(self, found: dict[str, Any]):
        # Sorted as in every answer.
        self.inputs, self.outputs = (
            {
                name: [int(x["size"]) for x in info["tensor_shape"]["dim"]]
                for name, info in sorted(found[side].items())
            }
            for side in ("inputs", "outputs")
        )
        self.defaults = {
            name: _only_value(tensor)
            for name, tensor in found.get("defaults", {}).items()
        }
        method = found["method_name"].rpartition("/")[2]
        self.takes_examples = method in ("classify", "regress")
        self.method = method if self.takes_examples else "predict"


def _only_value(tensor: dict[str, Any]) -> Any:
    """Returns the number of a tensor with a single one, in JSON's form."""
    [values] = [x for name, x in tensor.items() if name.endswith("_val") and x]
    return values[0]
