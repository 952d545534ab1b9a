"""Schedules, optimizers, losses, callbacks and run folders, for `model.fit`.

`__all__` lists what you need to train models. The other names are for the
recipes; they are documented in their modules.
"""

from keras_ctx.extras import need

need("`keras_ctx.training` needs", "tensorflow", "safetensors")

from keras_ctx.evaluation.perplexity import (
    HeldOutPerplexity,
    perplexity,
    perplexity_of_nats,
    sentence_likelihoods,
)
from keras_ctx.training.callbacks.backup import (
    BackupAndRestore,
)
from keras_ctx.training.callbacks.best_epoch import (
    DevelopmentScore,
)
from keras_ctx.training.callbacks.divergence import (
    DivergenceError,
    StopAtDivergence,
)
from keras_ctx.training.callbacks.halve_rate import (
    HalveRate,
)
from keras_ctx.training.callbacks.layer_shares import (
    layer_shares,
)
from keras_ctx.training.callbacks.log import (
    RunLog,
)
from keras_ctx.training.callbacks.reset_state import (
    ResetState,
)
from keras_ctx.training.callbacks.run_callbacks import (
    run_callbacks,
)
from keras_ctx.training.distribution.keras_fixes import (
    distributed,
)
from keras_ctx.training.distribution.local_model import (
    without_strategy,
)
from keras_ctx.training.distribution.strategies import (
    StrategyName,
    strategy,
)
from keras_ctx.training.distribution.workers import (
    is_chief,
)
from keras_ctx.training.objectives.crf import (
    CRFLoss,
)
from keras_ctx.training.objectives.embedding_loss import (
    EmbeddingLoss,
    embedding_loss,
)
from keras_ctx.training.objectives.in_batch_negatives import (
    InBatchNegativesLoss,
)
from keras_ctx.training.objectives.losses import (
    LogLikelihoodLoss,
    NextTokenLoss,
    bert_pretraining_losses,
    causal_losses,
    elmo_pretraining_losses,
)
from keras_ctx.training.objectives.padding_metric import (
    with_padding_metric,
)
from keras_ctx.training.objectives.scored_pairs import (
    CoSENTLoss,
    CosineSimilarityLoss,
)
from keras_ctx.training.objectives.task_loss import (
    task_loss,
)
from keras_ctx.training.objectives.triplets import (
    TripletLoss,
)
from keras_ctx.training.optimizers.layer_rates import (
    layer_rates,
)
from keras_ctx.training.optimizers.layerwise_adamw import (
    LayerwiseAdamW,
)
from keras_ctx.training.optimizers.lstm_translator import (
    lstm_translator_optimizer,
)
from keras_ctx.training.optimizers.presets import (
    bert_optimizer,
    elmo_optimizer,
    transformer_optimizer,
    word_vector_optimizer,
)
from keras_ctx.training.optimizers.schedules import (
    InverseSquareRoot,
    PerUpdate,
    SlantedTriangular,
    WarmupLinearDecay,
)
from keras_ctx.training.optimizers.stages import (
    Stages,
    ulmfit_stages,
)
from keras_ctx.training.run.checkpoints import (
    average_checkpoints,
    completed_steps,
    remove_checkpoints,
)
from keras_ctx.training.run.digests import (
    encoder_digest,
    file_digest,
    input_digests,
    text_inputs_digest,
)
from keras_ctx.training.run.folder import (
    save_json,
    save_model,
)
from keras_ctx.training.run.metrics_file import (
    read_metrics,
    seconds_trained,
)
from keras_ctx.training.run.numbers import (
    check_run_numbers,
)
from keras_ctx.training.run.output_folder import (
    check_output,
    check_writable,
    writes_file,
    writes_folder,
)
from keras_ctx.training.run.results import (
    ended_run,
    save_results,
    seconds_before,
)
from keras_ctx.training.run.seeds import (
    SeedRuns,
    over_seeds,
)
from keras_ctx.training.run.settings import (
    begin_recipe,
    begin_run,
    settings_of,
)

__all__ = [
    "BackupAndRestore",
    "CRFLoss",
    "CoSENTLoss",
    "CosineSimilarityLoss",
    "DevelopmentScore",
    "DivergenceError",
    "HalveRate",
    "InBatchNegativesLoss",
    "InverseSquareRoot",
    "LayerwiseAdamW",
    "LogLikelihoodLoss",
    "NextTokenLoss",
    "PerUpdate",
    "ResetState",
    "RunLog",
    "SlantedTriangular",
    "Stages",
    "StopAtDivergence",
    "StrategyName",
    "TripletLoss",
    "WarmupLinearDecay",
    "average_checkpoints",
    "bert_optimizer",
    "bert_pretraining_losses",
    "causal_losses",
    "completed_steps",
    "distributed",
    "elmo_optimizer",
    "elmo_pretraining_losses",
    "embedding_loss",
    "is_chief",
    "layer_rates",
    "layer_shares",
    "lstm_translator_optimizer",
    "over_seeds",
    "read_metrics",
    "remove_checkpoints",
    "run_callbacks",
    "save_model",
    "strategy",
    "task_loss",
    "with_padding_metric",
    "transformer_optimizer",
    "ulmfit_stages",
    "word_vector_optimizer",
    "without_strategy",
]
