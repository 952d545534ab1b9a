"""Batches of a translator: the source, the shifted target, the target."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ctx.data.batching.loss_weights import normalize_weights
from keras_ctx.data.batching.sharding import global_batches
from keras_ctx.data.translation.token_batches import token_batches

Rows = list[np.ndarray]


def translation_dataset(
    sources: Sequence[str],
    targets: Sequence[str],
    source_inputs: Any,
    target_inputs: Any,
    *,
    start_id: int,
    tokens_per_batch: int,
    seed: int,
    first_step: int = 0,
) -> tf.data.Dataset:
    """Returns endless batches of pairs, with about equal numbers of tokens.

    The decoder reads the start token and the target, and predicts the target
    and the end token: targets are shifted here, so that models stay static.
    Batch k is a function of the seed and k. B is the number of pairs, T and U
    the most tokens of their sides.

    Args:
        sources: Texts, all in memory.
        targets: Their translations.
        source_inputs: Text inputs of the encoder, with ids `(B, T)`, such as
            `SentencePieceInputs` or `WordVectorInputs`; they cut longer texts
            to their `max_length`.
        target_inputs: Text inputs of the decoder, whose rows end with the end
            token.
        start_id: The token that a translation begins with.
        tokens_per_batch: Most tokens of a batch on the longer side, padding
            included.
        seed: Seed of the order.
        first_step: Number of the first batch.

    Returns:
        An endless `tf.data.Dataset` of `(features, targets, weights)` for a
        model of `encoder_decoder` or `attentional_lstm_translator`: the ids
        `(B, T)` by their name, and `padding_mask` if the text inputs have it;
        `decoder_token_ids` and `decoder_padding_mask` `(B, U)`; `next_token`
        `(B, U)`; and weights, which sum to 1 over the real targets.

    Raises:
        ValueError: The texts are not pairs, there are none, or the text
            inputs of the encoder give more than ids.

    Example:
        >>> from keras_ctx.text import SentencePieceInputs, sentence_piece_model
        >>> texts = ["a cat sat", "a mat"] * 9
        >>> inputs = SentencePieceInputs(sentence_piece_model(texts, 24))
        >>> dataset = translation_dataset(
        ...     texts, texts, inputs, inputs, start_id=2, tokens_per_batch=40,
        ...     seed=0)
        >>> features, targets, weights = next(iter(dataset))
        >>> int(features["decoder_token_ids"][0, 0])
        2
    """
    if len(sources) != len(targets):
        raise ValueError(
            "`sources` and `targets` must be pairs. Received: "
            f"{len(sources)} and {len(targets)} texts"
        )
    key, names = source_inputs.input_key, set(source_inputs(list(sources[:1])))
    if names - {key, "padding_mask"}:
        raise ValueError(
            "`source_inputs` must give ids and at most a mask. Received: "
            f"{type(source_inputs).__name__}, which gives {sorted(names)}"
        )
    left = token_rows(sources, source_inputs)
    right = token_rows(targets, target_inputs)
    lengths = [max(map(len, pair)) for pair in zip(left, right, strict=True)]
    batches = token_batches(
        lengths, tokens_per_batch, seed=seed, first_step=first_step
    )
    source_pad, target_pad = source_inputs.pad_id, target_inputs.pad_id

    def rows() -> Iterator[tuple[np.ndarray, ...]]:
        for index in batches():
            yield (
                *_padded([left[i] for i in index], source_pad),
                *_padded([right[i] for i in index], target_pad),
            )

    def examples(token_ids, real, target_ids, target_real):
        start = tf.fill([tf.shape(target_ids)[0], 1], start_id)
        features = {
            key: token_ids,
            **({"padding_mask": real} if "padding_mask" in names else {}),
            "decoder_token_ids": tf.concat([start, target_ids[:, :-1]], axis=1),
            "decoder_padding_mask": target_real,
        }
        weights = normalize_weights(target_real)
        return features, {"next_token": target_ids}, {"next_token": weights}

    ids = tf.TensorSpec((None, None), tf.int32)
    mask = tf.TensorSpec((None, None), tf.bool)
    dataset = tf.data.Dataset.from_generator(
        rows, output_signature=(ids, mask, ids, mask)
    )
    dataset = dataset.map(examples, num_parallel_calls=tf.data.AUTOTUNE)
    return global_batches(dataset)


def token_rows(texts: Sequence[str], text_inputs: Any) -> Rows:
    """Returns the ids of the rows of texts, without padding.

    Args:
        texts: Strings.
        text_inputs: Text inputs that return ids `(B, T)`.

    Example:
        >>> from keras_ctx.text import GPTInputs, byte_letters
        >>> tokens = [*byte_letters(), "<|endoftext|>"]
        >>> token_rows(["ab", "c"], GPTInputs(tokens, [], 9))
        [array([97, 98], dtype=int32), array([99], dtype=int32)]
    """
    rows: Rows = []
    for start in range(0, len(texts), 1000):
        features = text_inputs(list(texts[start : start + 1000]))
        ids = features[text_inputs.input_key].numpy()
        mask = text_inputs.padding_mask(features).numpy()
        rows += [x[y] for x, y in zip(ids, mask, strict=True)]
    return rows


def _padded(rows: Rows, pad_id: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns ids `(B, T)` and which of them are real."""
    lengths = np.array([len(x) for x in rows])
    mask = np.arange(lengths.max()) < lengths[:, None]
    ids = np.full(mask.shape, pad_id, "int32")
    ids[mask] = np.concatenate(rows)
    return ids, mask
