"""Perplexity of a language model on held-out text."""

from collections.abc import Callable, Iterable

import keras
import numpy as np
import tensorflow as tf

from keras_ctx.callback_order import MEASURE, PlacedCallback

Batches = Iterable[tuple[dict[str, tf.Tensor], tf.Tensor]]


def sentence_likelihoods(
    model: keras.Model,
) -> Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]]:
    """Returns a function of features, compiled once for all lengths.

    Args:
        model: A model of `elmo_language_model`, without `num_negatives`.

    Returns:
        A function that returns `forward` and `backward`: negative log
        likelihoods `(B, T + 1)` under the full softmax, in nats.

    Example:
        >>> from keras_ctx.models import elmo_language_model, elmo_word_encoder
        >>> model = elmo_language_model(elmo_word_encoder(8, 16, 4), 10)
        >>> features = {"word_ids": [[4, 5]], "forward_targets": [[3, 4, 1]],
        ...             "backward_targets": [[0, 3, 4]]}
        >>> features = {k: tf.constant(v) for k, v in features.items()}
        >>> sentence_likelihoods(model)(features)["forward"].shape
        TensorShape([1, 3])
    """
    return tf.function(
        lambda features: model(features, training=False), reduce_retracing=True
    )


def perplexity(model: keras.Model, batches: Batches) -> dict[str, float]:
    """Computes the perplexity of both directions and their geometric mean.

    It uses the full softmax, without dropout, sentence by sentence. The end
    of a sentence counts as a word for the forward model, its beginning for
    the backward model; words outside the vocabulary count as `<UNK>`.

    Args:
        model: A model of `elmo_language_model`, without `num_negatives`.
        batches: Pairs of features and weights, as
            `keras_ctx.data.LanguageModelInputs` returns them.

    Returns:
        `forward_perplexity`, `backward_perplexity`, `perplexity`, and
        `num_targets`, the number of words of one direction. A perplexity
        above e**709 is infinite.

    Raises:
        ValueError: There are no targets.

    Example:
        >>> from keras_ctx.models import elmo_language_model, elmo_word_encoder
        >>> model = elmo_language_model(elmo_word_encoder(8, 16, 4), 10)
        >>> _ = model.get_layer("softmax").kernel.assign(np.zeros((10, 4)))
        >>> features = {"word_ids": [[4, 5]], "forward_targets": [[3, 4, 1]],
        ...             "backward_targets": [[0, 3, 4]]}
        >>> features = {k: tf.constant(v) for k, v in features.items()}
        >>> result = perplexity(model, [(features, tf.ones((1, 3)))])
        >>> round(result["perplexity"], 4), result["num_targets"]
        (10.0, 3)

    Source:
        Peters et al. 2018, section 4 (the mean of forward and backward);
        the counting of allenai/bilm-tf.
    """
    return _perplexity(sentence_likelihoods(model), batches)


def perplexity_of_nats(nats: float) -> float:
    """Returns `exp(nats)`, infinite above e**709, the limit of a float.

    Args:
        nats: Mean negative log likelihood of a word, in nats; may be NaN.

    Example:
        >>> perplexity_of_nats(0.0), perplexity_of_nats(710.0)
        (1.0, inf)
    """
    with np.errstate(over="ignore"):
        return float(np.exp(np.float64(nats)))


def _perplexity(likelihoods, batches: Batches) -> dict[str, float]:
    sums, count = {"forward": 0.0, "backward": 0.0}, 0
    for features, weights in batches:
        real = np.asarray(weights) > 0
        count += int(real.sum())
        for key, nll in likelihoods(features).items():
            sums[key] += float(np.asarray(nll)[real].sum(dtype="float64"))
    if not count:
        raise ValueError("`batches` must hold words. Received: none")
    nats = {key: total / count for key, total in sums.items()}
    return {
        "forward_perplexity": perplexity_of_nats(nats["forward"]),
        "backward_perplexity": perplexity_of_nats(nats["backward"]),
        "perplexity": perplexity_of_nats(
            (nats["forward"] + nats["backward"]) / 2
        ),
        "num_targets": count,
    }


class HeldOutPerplexity(PlacedCallback):
    """Adds the perplexity of held-out text to the logs of every epoch.

    Give it to `run_callbacks`, whose callbacks write the logs to a file.

    Args:
        language_model: A model of `elmo_language_model` that shares its
            layers with the one in training.
        batches: Returns the batches of `perplexity` again at each call.

    Example:
        >>> callback = HeldOutPerplexity(keras.Model(), lambda: [])
    """

    place = MEASURE

    def __init__(
        self, language_model: keras.Model, batches: Callable[[], Batches]
    ):
        super().__init__()
        self.likelihoods = sentence_likelihoods(language_model)
        self.batches = batches

    def on_epoch_end(self, epoch, logs=None):
        found = _perplexity(self.likelihoods, self.batches())
        del found["num_targets"]
        if logs is not None:
            logs.update({f"val_{key}": value for key, value in found.items()})
        print(" - ".join(f"val_{k}: {v:.1f}" for k, v in found.items()))
