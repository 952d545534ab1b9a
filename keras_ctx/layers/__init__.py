"""Keras layers: tensors in, tensors out, on TensorFlow, JAX and PyTorch.

On all three backends their outputs and gradients agree; the tests contain the
tolerances. Recipes, exports and data need TensorFlow.
"""

from keras_ctx.layers.base.padding_mask import PaddingMask
from keras_ctx.layers.base.word_embedding import TakeRows, WordEmbedding
from keras_ctx.layers.characters.char_cnn_highway import CharCNNHighway
from keras_ctx.layers.characters.sentence_markers import (
    AddMarkerIds,
    AddSentenceMarkers,
    StripSentenceMarkers,
)
from keras_ctx.layers.characters.word_table import WordTable
from keras_ctx.layers.outputs.crf import CRF
from keras_ctx.layers.outputs.gather_positions import GatherPositions
from keras_ctx.layers.outputs.masked_mean import MaskedMean
from keras_ctx.layers.outputs.negative_sampling import NegativeSampling
from keras_ctx.layers.outputs.pooling import Pooling
from keras_ctx.layers.outputs.sampled_softmax import SampledSoftmax
from keras_ctx.layers.outputs.scalar_mix import ScalarMix
from keras_ctx.layers.outputs.text_pooling import TextPooling
from keras_ctx.layers.outputs.vocabulary_bias import VocabularyBias
from keras_ctx.layers.recurrent.activation_penalty import ActivationPenalty
from keras_ctx.layers.recurrent.attentional_lstm_decoder import (
    AttentionalLSTMDecoder,
)
from keras_ctx.layers.recurrent.bilm import BiLM
from keras_ctx.layers.recurrent.document_lstm import DocumentLSTM
from keras_ctx.layers.recurrent.encoder_dropout import EncoderDropout
from keras_ctx.layers.recurrent.highway_lstm import HighwayLSTM
from keras_ctx.layers.recurrent.locked_dropout import LockedDropout
from keras_ctx.layers.recurrent.projected_lstm_cell import ProjectedLSTMCell
from keras_ctx.layers.recurrent.weight_dropped_lstm import WeightDroppedLSTM
from keras_ctx.layers.recurrent.word_dropout_embedding import (
    WordDropoutEmbedding,
)
from keras_ctx.layers.transformer.packed_texts import PackedTexts
from keras_ctx.layers.transformer.sine_positions import SinePositions
from keras_ctx.layers.transformer.token_and_position_embedding import (
    TokenAndPositionEmbedding,
)
from keras_ctx.layers.transformer.token_and_segment_embedding import (
    TokenAndSegmentEmbedding,
)
from keras_ctx.layers.transformer.transformer_decoder_block import (
    TransformerDecoderBlock,
)
from keras_ctx.layers.transformer.transformer_encoder_block import (
    TransformerEncoderBlock,
)

__all__ = [
    "CRF",
    "ActivationPenalty",
    "AddMarkerIds",
    "AddSentenceMarkers",
    "AttentionalLSTMDecoder",
    "BiLM",
    "CharCNNHighway",
    "DocumentLSTM",
    "EncoderDropout",
    "GatherPositions",
    "HighwayLSTM",
    "LockedDropout",
    "MaskedMean",
    "NegativeSampling",
    "PackedTexts",
    "PaddingMask",
    "Pooling",
    "ProjectedLSTMCell",
    "SampledSoftmax",
    "ScalarMix",
    "SinePositions",
    "StripSentenceMarkers",
    "TakeRows",
    "TextPooling",
    "TokenAndPositionEmbedding",
    "TokenAndSegmentEmbedding",
    "TransformerDecoderBlock",
    "TransformerEncoderBlock",
    "VocabularyBias",
    "WeightDroppedLSTM",
    "WordDropoutEmbedding",
    "WordEmbedding",
    "WordTable",
]
