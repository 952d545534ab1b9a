"""The families on which recurrent layers can be built."""

from keras_ctx.models.cove.family import COVE
from keras_ctx.models.elmo.family import CHARACTERS, WORDS
from keras_ctx.models.word_vectors.family import WORD_VECTORS

BODIES = {row.name: row for row in (WORD_VECTORS, CHARACTERS, WORDS, COVE)}
"""Families with one position for each word, by name."""
