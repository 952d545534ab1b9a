"""Scores an embedder: similarity of scored pairs, or retrieval of pairs."""

from collections.abc import Sequence

import keras
import numpy as np

from keras_ctx import data, evaluation, text
from keras_ctx.evaluation.unit_vectors import unit_vectors
from keras_ctx.predictions.vectors import SentenceEmbedder


class EmbeddingScorer:
    """Scorer of the vectors of a model that is being trained.

    Pairs with scores give the correlations of scores and cosines. Of pairs
    without, each first text is a query, and all different second texts of the
    file are searched for the second texts of the rows with this first text.

    Args:
        model: A `models.embedder`.
        text_inputs: Its text inputs.
        batch_size: Texts per batch.
        verbose: Whether to show a progress bar.

    Example:
        >>> from pathlib import Path
        >>> from keras_ctx import models
        >>> inputs = text.ElmoInputs(5)
        >>> scorer = EmbeddingScorer(
        ...     models.embedder(models.elmo_encoder([(1, 8)], 16, 4,
        ...                                         max_characters=5)),
        ...     inputs, 8, verbose=False)
        >>> rows = data.TextTuples(
        ...     Path("a.tsv"), [1, 2], [["a", "b"], ["a", "b"]], None)
        >>> scorer(rows)["mrr"]
        1.0
    """

    def __init__(
        self,
        model: keras.Model,
        text_inputs: text.TextInputs,
        batch_size: int,
        verbose: bool = True,
    ) -> None:
        self._embed = SentenceEmbedder(model, text_inputs)
        self._batch_size = batch_size
        self._verbose = verbose

    def __call__(self, rows: data.TextTuples) -> dict[str, float]:
        """Returns `spearman` and `pearson`; or `mrr` and `recall_at_1`, 5, 10.

        Args:
            rows: Pairs of texts.
        """
        first, second = rows.columns
        if rows.scores is None:
            return self._retrieval(first, second)
        texts = list(dict.fromkeys([*first, *second]))
        vectors = unit_vectors(self._vectors(texts))
        found = dict(zip(texts, vectors, strict=True))
        cosines = [
            float(found[x] @ found[y])
            for x, y in zip(first, second, strict=True)
        ]
        scores = evaluation.regression_scores(rows.scores, cosines)
        return {name: scores[name] for name in ("spearman", "pearson")}

    def _retrieval(
        self, first: Sequence[str], second: Sequence[str]
    ) -> dict[str, float]:
        places = {each: k for k, each in enumerate(dict.fromkeys(second))}
        relevant: dict[str, dict[int, None]] = {}
        for query, answer in zip(first, second, strict=True):
            relevant.setdefault(query, {})[places[answer]] = None
        return evaluation.retrieval_scores(
            self._vectors(list(relevant)),
            self._vectors(list(places)),
            [list(right) for right in relevant.values()],
        )

    def _vectors(self, texts: list[str]) -> np.ndarray:
        counts = data.token_counts(self._embed.inputs, texts)
        order = data.order_of_lengths(counts)
        found = np.zeros((len(texts), self._embed.size), "float32")
        bar = keras.utils.Progbar(
            len(texts), verbose=int(self._verbose), unit_name="text"
        )
        for start in range(0, len(order), self._batch_size):
            some = order[start : start + self._batch_size]
            found[some] = self._embed([texts[k] for k in some])
            bar.add(len(some))
        return found
