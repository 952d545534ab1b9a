"""Ranks candidates, such as names, for the gap in a text."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_ctx import convert, models
from keras_ctx.checks import check_at_least

_UNCUT = 10**6


class Gap(NamedTuple):
    """A text without the words that are to be found."""

    before: str
    after: str
    answer: str
    """The words that stood there: one of the candidates."""


class CandidateRanker:
    """A masked language model that ranks candidates of any length for a gap.

    The gap holds as many [MASK] as the candidate has tokens. The score of a
    candidate is the mean of the log probabilities of its tokens there, each
    predicted independently of the others. A text that is longer than a row is
    cut at both ends, far from the gap.

    Args:
        folder: Folder of a run, or of a checkpoint with a masked language
            model.
        candidates: The candidates. Those with a token that is not in the
            vocabulary, with no token, or longer than a row are left out: their
            scores would say nothing.
        batch_size: Rows in a batch; a gap has a row for each length, in
            tokens, that a candidate has.

    Raises:
        ValueError: The folder has no such model, or fewer than two candidates
            can be read.

    Example:
        >>> import keras
        >>> from keras_ctx import models, text
        >>> tokens = text.character_vocabulary(["他在北京上海。"])
        >>> inputs = text.BertInputs(tokens, 16, split="character")
        >>> encoder = models.bert_encoder(len(tokens), 1, 1, 4, 8, 16)
        >>> models.bert_pretrainer(encoder).save("pretrainer.keras")
        >>> text.save_inputs(inputs, "text_inputs.json")
        >>> ranker = CandidateRanker(Path("."), ["北京", "上海", "他"])
        >>> [(gap, rank, best)] = ranker([Gap("他在", "。", "上海")])
        >>> rank in (1.0, 2.0, 3.0), best in ranker.candidates
        (True, True)

    Source:
        The cloze test of Sun et al. 2019, section 4.5,
        https://arxiv.org/abs/1904.09223.

    Differs:
        The paper shows what two models write into six gaps. The rank among
        all candidates makes a figure of it.
    """

    def __init__(
        self, folder: Path, candidates: Sequence[str], batch_size: int = 64
    ):
        check_at_least(1, batch_size=batch_size)
        model = convert.load_pretrainer(folder)
        self._positions = models.family_of(model).sizes(model)["positions"]
        inputs: Any = convert.load_text_inputs(folder)
        convert.check_text_inputs(inputs, model, folder)
        self._inputs = inputs.with_settings(max_length=_UNCUT)
        names = list(dict.fromkeys(candidates))
        tokens = [ids if self._fits(ids) else [] for ids in self._tokens(names)]
        self.left_out = [
            x for x, ids in zip(names, tokens, strict=True) if not ids
        ]
        """The candidates that cannot be read."""
        tokens = [ids for ids in tokens if ids]
        self.candidates = [x for x in names if x not in set(self.left_out)]
        if len(tokens) < 2:
            raise ValueError(
                "`candidates` must be at least two that the model can read. "
                f"Received: {len(names)}, of which {len(tokens)} can be read"
            )
        self._places = {x: k for k, x in enumerate(self.candidates)}
        lengths = np.array([len(ids) for ids in tokens])
        # Of each length the candidates, and their ids `(N, length)`.
        self._of_length = {
            int(length): (chosen, np.array([tokens[k] for k in chosen]))
            for length in np.unique(lengths)
            for chosen in [np.flatnonzero(lengths == length)]
        }
        self._gaps_per_batch = max(batch_size // len(self._of_length), 1)
        size = self._inputs.vocabulary_size

        def log_probabilities(features):
            logits = model(features, training=False)["masked_lm"]
            return tf.nn.log_softmax(tf.cast(logits, tf.float32)[..., :size])

        signature = {
            name: tf.TensorSpec(tensor.shape, tensor.dtype)
            for name, tensor in model.input.items()
        }
        self._run = tf.function(log_probabilities, input_signature=[signature])

    def __call__(
        self, gaps: Sequence[Gap], verbose: bool = False
    ) -> Iterator[tuple[Gap, float, str]]:
        """Yields each gap with the rank of its answer, and the best candidate.

        The rank of the best candidate is 1; candidates with equal scores have
        the mean of their ranks.

        Args:
            gaps: Texts with gaps.
            verbose: Whether to show a progress bar.

        Raises:
            ValueError: The answer of a gap is not among the candidates.
        """
        for gap in gaps:
            if gap.answer not in self._places:
                raise ValueError(
                    "`answer` must be one of the candidates. Received: "
                    f"{gap.answer!r} between {gap.before[-20:]!r} and "
                    f"{gap.after[:20]!r}"
                )
        bar = keras.utils.Progbar(len(gaps), verbose=int(verbose))
        for first in range(0, len(gaps), self._gaps_per_batch):
            some = gaps[first : first + self._gaps_per_batch]
            for gap, scores in zip(some, self.scores(some), strict=True):
                own = scores[self._places[gap.answer]]
                better, equal = (scores > own).sum(), (scores == own).sum()
                rank = float(better + (equal + 1) / 2)
                yield gap, rank, self.candidates[int(scores.argmax())]
            bar.update(first + len(some))

    def scores(self, gaps: Sequence[Gap]) -> np.ndarray:
        """Returns the score of each candidate for each gap, `(B, N)`."""
        sides = [
            self._tokens([getattr(gap, name) for gap in gaps])
            for name in ("before", "after")
        ]
        rows = [
            self._row(before, after, length)
            for before, after in zip(*sides, strict=True)
            for length in self._of_length
        ]
        chances = self._run(self._features(rows)).numpy()
        scores = np.empty((len(gaps), len(self.candidates)))
        each = len(self._of_length)
        for k, (chosen, ids) in enumerate(self._of_length.values()):
            places = np.arange(ids.shape[1])
            scores[:, chosen] = chances[k::each][:, places, ids].mean(-1)
        return scores

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns the ids of texts, without [CLS] and [SEP]."""
        features = self._inputs(tf.constant(list(texts), tf.string))
        return [
            row[mask][1:-1].tolist()
            for row, mask in zip(
                features["token_ids"].numpy(),
                features["padding_mask"].numpy(),
                strict=True,
            )
        ]

    def _row(
        self, before: list[int], after: list[int], length: int
    ) -> tuple[list[int], int]:
        """Returns the ids of a row, and the position of its gap."""
        room = self._positions - 2 - length
        left = max(min(len(before), room // 2), room - len(after))
        before = before[max(len(before) - left, 0) :]
        after = after[: room - len(before)]
        masks = [self._inputs.mask_id] * length
        inputs = self._inputs
        row = [inputs.cls_id, *before, *masks, *after, inputs.sep_id]
        return row, 1 + len(before)

    def _features(self, rows: list[tuple[list[int], int]]) -> dict:
        width = max(len(ids) for ids, _ in rows)
        shape = (len(rows), width)
        ids = np.full(shape, self._inputs.pad_id, "int32")
        mask = np.zeros(shape, bool)
        for k, (row, _) in enumerate(rows):
            ids[k, : len(row)], mask[k, : len(row)] = row, True
        first = np.array([place for _, place in rows], "int32")[:, None]
        longest = max(self._of_length)
        # Behind the gap of a short candidate there are positions not used.
        places = np.minimum(
            first + np.arange(longest, dtype="int32"), width - 1
        )
        return {
            "token_ids": ids,
            "segment_ids": np.zeros(shape, "int32"),
            "padding_mask": mask,
            "masked_positions": places,
        }

    def _fits(self, ids: list[int]) -> bool:
        unknown = self._inputs.unknown_id in ids
        return not unknown and len(ids) + 2 <= self._positions
