"""Generation of text: greedy, sampled, or by beam search, over a cache."""

from keras_ctx.generation.beam_search import BeamSearch
from keras_ctx.generation.continuations import Continuations
from keras_ctx.generation.decoder import Decoder
from keras_ctx.generation.decoder_of import decoder_of
from keras_ctx.generation.generator import Generator
from keras_ctx.generation.sampling import Sampling

__all__ = [
    "BeamSearch",
    "Continuations",
    "Decoder",
    "Generator",
    "Sampling",
    "decoder_of",
]
