"""Scores of the ranks of right answers among all candidates."""

from collections.abc import Sequence

import numpy as np

from keras_ctx.checks import check_at_least


def rank_scores(
    ranks: Sequence[float], num_candidates: int
) -> dict[str, float]:
    """Computes scores from the ranks of the right answers.

    Args:
        ranks: The rank of the right answer to each question, from 1 = best;
            with ties the mean rank.
        num_candidates: Number of candidates of each question.

    Returns:
        `mrr`, the mean reciprocal rank; `hits_1` and `hits_10`, the shares of
        ranks up to 1 and 10; `median_rank`; and `chance_mrr`, that of random
        ranks.

    Raises:
        ValueError: There are no ranks, or one is not between 1 and the number
            of candidates.

    Example:
        >>> rank_scores([1, 4], num_candidates=4)["mrr"]
        0.625
        >>> rank_scores([1, 4], num_candidates=4)["chance_mrr"]
        0.5208333333333333
    """
    check_at_least(1, num_candidates=num_candidates)
    found = np.asarray(ranks, "float64")
    wrong = [x for x in found if not 1 <= x <= num_candidates]
    if not len(found) or wrong:
        raise ValueError(
            "`ranks` must be at least one, each between 1 and "
            f"`num_candidates`. Received: {wrong[0] if wrong else 'none'}, "
            f"num_candidates={num_candidates}"
        )
    return {
        "mrr": float((1 / found).mean()),
        "hits_1": float((found <= 1).mean()),
        "hits_10": float((found <= 10).mean()),
        "median_rank": float(np.median(found)),
        "chance_mrr": float((1 / np.arange(1, num_candidates + 1)).mean()),
    }
