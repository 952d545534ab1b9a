"""The options of the recipe that trains an embedder."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import keras

from keras_ctx import data, training
from keras_ctx.data.tables.text_tuples import check_tuple_columns
from keras_ctx.fine_tuning.options.rates import RateOptions
from keras_ctx.fine_tuning.options.shared import FineTuningOptions

_SCORED = ("cosine_similarity", "cosent")
_IN_BATCH = ("in_batch_negatives", "cosent")
Mode = Literal["cls", "max", "mean", "mean_sqrt_len", "weighted_mean", "last"]


@dataclass(frozen=True, kw_only=True)
class EmbeddingOptions(RateOptions, data.TableFormat, FineTuningOptions):
    """Options of a recipe that trains vectors of texts.

    Raises:
        ValueError: See the parent classes; columns that do not fit the loss,
            a number that is out of range, an option of another loss, or one
            that an embedder does not have.

    Example:
        >>> options = EmbeddingOptions(
        ...     train=Path("a.tsv"), test=Path("b.tsv"), output=Path("one"),
        ...     loss="cosent", columns=("a", "b", "score"))
        >>> options.scored, options.metric, options.num_texts
        (True, 'spearman', 2)
    """

    # Without `field()` they would have the default of the parent class.
    train: Path = field()
    """Texts to train on."""
    test: Path = field()
    """Texts to score on, before and after training: pairs with a score give
    Spearman's correlation of scores and cosines; pairs without, the rank of
    each second text among all second texts."""
    dev: Path | None = None
    """Texts of the same columns as `test` to choose the best epoch. If not
    given: the last epoch."""
    loss: training.EmbeddingLoss = "in_batch_negatives"
    """What is trained. in_batch_negatives: each pair against all other texts
    of its batch. triplet: a text is nearer to its pair than to its negative.
    cosine_similarity: the cosine is the score. cosent: cosines are in the order
    of the scores."""
    columns: tuple[str, ...] = ("0", "1")
    """Columns of `train`: two texts; then a score for cosine_similarity and
    cosent, or for the others any number of negatives of the first text. Numbers
    counted from 0, or names in the first line (in JSON: keys)."""
    eval_columns: tuple[str, ...] | None = None
    """Columns of `dev` and `test`: two texts, and a score if there is one. If
    not given: those of `columns`, without negatives."""
    score_range: tuple[float, float] | None = None
    """For cosine_similarity: the scores that mean the cosines 0 and 1. If not
    given: the lowest and the highest score of `train`."""
    scale: float = 20.0
    """For in_batch_negatives and cosent: factor of the cosines."""
    symmetric: bool = False
    """For in_batch_negatives: whether to also find the first text of each
    second one."""
    margin: float = 1.0
    """For triplet: least difference of the two distances."""
    distance: Literal["euclidean", "cosine"] = "euclidean"
    """For triplet: how far two vectors are."""
    pooling: tuple[Mode, ...] | None = None
    """How the vectors of tokens become one; several are joined. If not given:
    as `init` says, or the mean."""
    normalize: bool | None = None
    """Whether a vector has length 1. If not given: as `init` says, or yes."""
    max_length: int | None = None
    """Longest text, in tokens; longer ones are cut. If not given: as `init`
    says, or what the encoder takes."""
    num_train: int | None = None
    """Number of training rows, a random choice. If not given: all."""
    mix: Literal["last"] = "last"
    """The vectors of tokens are those of the last layer."""

    def __post_init__(self):
        data.TableFormat.__post_init__(self)
        check_tuple_columns(self.columns, self.loss in _SCORED)
        count = len(self.columns)
        if self.loss == "triplet" and count < 3:
            raise ValueError(
                '`loss="triplet"` needs `columns` of a text, its pair and a '
                f"negative. Received: columns={self.columns}"
            )
        if self.eval_columns is not None:
            if len(self.eval_columns) not in (2, 3):
                raise ValueError(
                    "`eval_columns` must be two texts, or two texts and their "
                    f"score. Received: eval_columns={self.eval_columns}"
                )
            check_tuple_columns(self.eval_columns, len(self.eval_columns) == 3)
        self._check_loss()
        if self.frozen:
            raise ValueError(
                "`frozen` leaves nothing to train: an embedder has no weights "
                "but those of its encoder. `lora_rank` trains few."
            )
        if self.gradual_unfreezing:
            raise ValueError(
                "`gradual_unfreezing` begins with the head, and an embedder "
                "has none. `layer_decay` trains lower layers more slowly."
            )
        if self.batch_size < 2:
            raise ValueError(
                "`batch_size` must be at least 2: rows are compared with the "
                f"others of their batch. Received: {self.batch_size}"
            )
        self.check_rates()
        FineTuningOptions.__post_init__(self)

    def _check_loss(self) -> None:
        """Refuses options of another loss, and numbers out of range."""
        defaults = {each.name: each.default for each in fields(self)}
        for names, losses in (
            (("score_range",), ("cosine_similarity",)),
            (("scale",), _IN_BATCH),
            (("symmetric",), ("in_batch_negatives",)),
            (("margin", "distance"), ("triplet",)),
        ):
            for name in names:
                given = getattr(self, name)
                if given != defaults[name] and self.loss not in losses:
                    raise ValueError(
                        f"`{name}` is for the loss {' or '.join(losses)}. "
                        f"Received: {name}={given!r}, loss={self.loss!r}"
                    )
        if self.score_range and not self.score_range[0] < self.score_range[1]:
            raise ValueError(
                "`score_range` must be a lower and a higher number. "
                f"Received: score_range={self.score_range}"
            )
        self.losses()

    @property
    def scored(self) -> bool:
        """Whether the pairs to train on have scores."""
        return self.loss in _SCORED

    @property
    def in_batch(self) -> bool:
        """Whether the loss of a row depends on the other rows."""
        return self.loss in _IN_BATCH

    @property
    def num_texts(self) -> int:
        """Number of texts of a training row."""
        return 2 if self.scored else len(self.columns)

    @property
    def test_columns(self) -> tuple[str, ...]:
        """Columns of `dev` and `test`."""
        if self.eval_columns is not None:
            return self.eval_columns
        return self.columns if self.scored else self.columns[:2]

    @property
    def metric(self) -> str:
        """The score that is reported first and chooses the best epoch."""
        return "spearman" if len(self.test_columns) == 3 else "mrr"

    @property
    def files(self) -> dict[str, Path | None]:
        """The files by name."""
        return {"train": self.train, "dev": self.dev, "test": self.test}

    def losses(self) -> Mapping[str, keras.losses.Loss]:
        """Returns the loss for `compile`."""
        return training.embedding_loss(
            self.loss,
            scale=self.scale,
            symmetric=self.symmetric,
            margin=self.margin,
            distance=self.distance,
        )

    def read(self) -> dict[str, data.TextTuples]:
        """Reads and checks all files.

        Raises:
            ValueError: See `data.read_text_tuples`; the rows do not fill a
                batch, or no row has a negative.
        """
        columns = self.test_columns
        rows = {
            name: data.read_text_tuples(path, columns, self, len(columns) == 3)
            for name, path in (("dev", self.dev), ("test", self.test))
            if path is not None
        }
        train = data.read_text_tuples(
            self.train, self.columns, self, self.scored
        ).sample(self.num_train)
        if len(train) < self.batch_size:
            raise ValueError(
                f"{train.path}: {len(train)} rows are fewer than one batch. "
                f"Lower `batch_size`. Received: batch_size={self.batch_size}"
            )
        if self.loss == "in_batch_negatives":
            data.check_negatives_exist(train)
        self.targets(train)
        return {"train": train, **rows}

    def targets(self, rows: data.TextTuples) -> list[float] | None:
        """Returns the scores to train on, for cosine_similarity from 0 to 1.

        Raises:
            ValueError: A score is outside of `score_range`, or all are equal.
        """
        if rows.scores is None or self.loss != "cosine_similarity":
            return rows.scores
        low, high = self.score_range or (min(rows.scores), max(rows.scores))
        for place, score in enumerate(rows.scores):
            if not low <= score <= high:
                raise ValueError(
                    f"{rows.where(place)}: a score must be in `score_range`, "
                    f"{low} to {high}. Received: {score}"
                )
        if low == high:
            raise ValueError(
                f"{rows.path}: all {len(rows)} scores to train on are {low}. "
                "Use more rows."
            )
        return [(score - low) / (high - low) for score in rows.scores]

    def settings(self) -> dict[str, Any]:
        """Returns the settings, as JSON for `task.json`."""
        found = asdict(self)
        names = [each.name for each in fields(data.TableFormat)]
        return {
            "task": "embedding",
            "pair": False,
            "loss": self.loss,
            "columns": self.columns,
            "table": {name: found[name] for name in names},
        }
