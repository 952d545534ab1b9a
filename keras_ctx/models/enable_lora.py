"""LoRA: fine-tunes low-rank updates of an encoder's matrices."""

from typing import Any

import keras

from keras_ctx import layers
from keras_ctx.checks import check_at_least, check_positive
from keras_ctx.layers.transformer.transformer_block import TransformerBlock

EMBEDDINGS = (
    layers.TokenAndPositionEmbedding,
    layers.TokenAndSegmentEmbedding,
)
NORMS = ("final_norm", "decoder_final_norm")


def enable_lora(
    model: keras.Model,
    rank: int,
    lora_alpha: float | None = None,
    embeddings: bool = False,
) -> None:
    """Trains low-rank updates of blocks instead of their weights.

    In every block the matrices of attention (query, key, value, output) and
    of the feed-forward network get an update `A B` of rank `rank`. The
    matrices themselves, their biases, the norms and the embeddings are
    frozen. All layers outside of the encoder's blocks and embeddings (pooler,
    head, mixture, LSTMs, CRF) are trained in full, as before.

    The model is changed in place; its outputs stay the same until it is
    trained. Call this function before `compile`. `model.save` stores A and B
    beside the weights, and a loaded model can be trained further;
    `clone_model`, `keras_ctx.training.layer_rates` and
    `keras_ctx.serving.export` work as without LoRA. Quantize last: Keras does
    not train weights that `model.quantize` has turned into integers, and an
    optimizer saved before does not fit the model afterwards.

    Args:
        model: An encoder of blocks, such as a `bert_encoder` or a
            `gpt_encoder`, or a model of `keras_ctx.models` with one
            in it: a classifier, tagger, span extractor, embedder, pretrainer.
        rank: Columns of A and rows of B; 8 is usual.
        lora_alpha: The updates are multiplied by `lora_alpha / rank`;
            `None`: by 1.
        embeddings: Whether the token table gets an update, too.

    Raises:
        ValueError: `rank` or `lora_alpha` is not positive; the model has no
            Transformer block, such as an ELMo; its encoder is frozen, or
            already has LoRA. The model is not changed then.

    Example:
        >>> import math
        >>> from keras_ctx.models import bert_tiny, classifier
        >>> model = classifier(bert_tiny(100), 3)
        >>> sum(math.prod(w.shape) for w in model.trainable_weights)
        492291
        >>> enable_lora(model, rank=4)
        >>> sum(math.prod(w.shape) for w in model.trainable_weights)
        36867

    Source:
        Hu et al. 2022, https://arxiv.org/abs/2106.09685, for the query and
        value matrices only. All matrices: Dettmers et al. 2023, section 4,
        https://arxiv.org/abs/2305.14314.
    """
    check_at_least(1, rank=rank)
    check_positive(lora_alpha=lora_alpha)
    found = list(_stack(model))
    blocks = [x for x in found if isinstance(x, TransformerBlock)]
    if not blocks:
        raise ValueError(
            "`model` must have the blocks of a Transformer, for LoRA to "
            "update. Train an ELMo as a whole, or only its head "
            f"(`frozen=True`). Received: {model.name!r}"
        )
    for layer in blocks:
        if layer.lora_rank is not None:
            raise ValueError(
                "`model` must not have LoRA yet: `models.merge_lora` returns "
                "an encoder with the updates merged into its matrices. "
                f"Received: {layer.name!r} with rank {layer.lora_rank}"
            )
    for layer in found:
        if not layer.trainable:
            raise ValueError(
                "`model` must have a trainable encoder: LoRA itself freezes "
                "its weights. Build the model without `frozen=True`. "
                f"Received: {layer.name!r} with trainable=False"
            )
    for layer in found:
        if layer in blocks or (embeddings and isinstance(layer, EMBEDDINGS)):
            layer.enable_lora(rank, lora_alpha)
        else:
            layer.trainable = False


def _stack(model: Any):
    """Yields the layers of the encoder that LoRA updates or freezes."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _stack(layer)
        elif (
            isinstance(layer, (*EMBEDDINGS, TransformerBlock))
            or layer.name in NORMS
        ):
            yield layer
