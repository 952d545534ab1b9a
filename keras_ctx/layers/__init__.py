"""Bricks: tensors in, tensors out, on TensorFlow, JAX and PyTorch.

On all three they answer and learn alike; the tests say to how many digits. A
recipe, an export and the data need TensorFlow.
"""

from keras_ctx.layers.bilm import BiLM
from keras_ctx.layers.char_cnn_highway import CharCNNHighway
from keras_ctx.layers.crf import CRF
from keras_ctx.layers.gather_positions import GatherPositions
from keras_ctx.layers.masked_mean import MaskedMean
from keras_ctx.layers.padding_mask import PaddingMask
from keras_ctx.layers.pooling import Pooling
from keras_ctx.layers.projected_lstm_cell import ProjectedLSTMCell
from keras_ctx.layers.sampled_softmax import SampledSoftmax
from keras_ctx.layers.scalar_mix import ScalarMix
from keras_ctx.layers.sentence_markers import (
    AddMarkerIds,
    AddSentenceMarkers,
    StripSentenceMarkers,
)
from keras_ctx.layers.token_and_segment_embedding import (
    TokenAndSegmentEmbedding,
)
from keras_ctx.layers.transformer_encoder_block import TransformerEncoderBlock
from keras_ctx.layers.vocabulary_bias import VocabularyBias
from keras_ctx.layers.word_embedding import TakeRows, WordEmbedding

__all__ = [
    "CRF",
    "AddMarkerIds",
    "AddSentenceMarkers",
    "BiLM",
    "CharCNNHighway",
    "GatherPositions",
    "MaskedMean",
    "PaddingMask",
    "Pooling",
    "ProjectedLSTMCell",
    "SampledSoftmax",
    "ScalarMix",
    "StripSentenceMarkers",
    "TakeRows",
    "TokenAndSegmentEmbedding",
    "TransformerEncoderBlock",
    "VocabularyBias",
    "WordEmbedding",
]
