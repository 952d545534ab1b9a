"""Scores, equal to those of the official scorers.

Functions take labels, tags, answers and likelihoods, and return scores. None
of them knows a file format or a model.
"""

from keras_ctx.extras import need

need("`keras_ctx.evaluation` needs", "tensorflow")

from keras_ctx.evaluation.answer_metrics import (
    AnswerMetrics,
    answer_metrics,
    find_language,
)
from keras_ctx.evaluation.bleu import bleu
from keras_ctx.evaluation.causal_perplexity import (
    HeldOutFigures,
    causal_perplexity,
    token_likelihoods,
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
from keras_ctx.evaluation.confusion_picture import (
    save_confusion,
)
from keras_ctx.evaluation.nearest_words import analogy, nearest
from keras_ctx.evaluation.perplexity import (
    HeldOutPerplexity,
    perplexity,
    perplexity_of_nats,
    sentence_likelihoods,
)
from keras_ctx.evaluation.questions import (
    SquadAnswer,
    SquadQuestion,
)
from keras_ctx.evaluation.rank_scores import rank_scores
from keras_ctx.evaluation.retrieval import (
    retrieval_scores,
)
from keras_ctx.evaluation.roles.proposition import (
    Proposition,
)
from keras_ctx.evaluation.roles.scores import (
    role_label_scores,
    role_scores,
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
from keras_ctx.evaluation.tag_schemes.constraints import (
    allowed_transitions,
)
from keras_ctx.evaluation.tag_schemes.recognized import (
    recognize_tags,
)
from keras_ctx.evaluation.tag_schemes.schemes import (
    exact_spans,
    span_tags,
    tag_spans,
)
from keras_ctx.evaluation.tag_schemes.spelling import (
    SchemeName,
    TagScheme,
)
from keras_ctx.evaluation.tagging import (
    TaggingTask,
)
from keras_ctx.evaluation.tagging_f1 import (
    strict_f1,
)

__all__ = [
    "AnswerMetrics",
    "BestThreshold",
    "HeldOutFigures",
    "HeldOutPerplexity",
    "Proposition",
    "SchemeName",
    "SquadAnswer",
    "SquadQuestion",
    "TagScheme",
    "TaggingTask",
    "allowed_transitions",
    "analogy",
    "answer_metrics",
    "best_threshold",
    "bleu",
    "causal_perplexity",
    "class_scores",
    "classification_scores",
    "cmrc_exact_match",
    "cmrc_f1",
    "cmrc_segments",
    "confusion_matrix",
    "confusion_table",
    "exact_match",
    "exact_spans",
    "find_language",
    "is_constant",
    "multi_label_scores",
    "nearest",
    "normalize_answer",
    "perplexity",
    "perplexity_of_nats",
    "rank_scores",
    "recognize_tags",
    "regression_scores",
    "retrieval_scores",
    "role_label_scores",
    "role_scores",
    "save_confusion",
    "score_table",
    "sentence_likelihoods",
    "span_tags",
    "squad_scores",
    "strict_f1",
    "tag_spans",
    "token_likelihoods",
    "word_f1",
]
