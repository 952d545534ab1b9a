"""Shorter texts, so that a model also sees short inputs."""

import random


def check_short_seq_prob(short_seq_prob: float) -> None:
    """Refuses what is no probability."""
    if not 0 <= short_seq_prob <= 1:
        raise ValueError(
            "`short_seq_prob` must be a probability from 0 to 1. "
            f"Received: short_seq_prob={short_seq_prob}"
        )


def target(
    rng: random.Random, target_length: int, short_seq_prob: float
) -> int:
    """Draws the target length of the texts of a document."""
    if rng.random() < short_seq_prob:
        return rng.randint(2, target_length)
    return target_length
