"""Weights that a program never changes, packed once."""

import os


def keep_weights_packed() -> None:
    """Lets TensorFlow pack each weight for its kernels once.

    By default it packs weights at every call. The packed ones take as much
    memory again. Only for programs that never change a weight after the first
    call: one that trains would go on with the first weights. Call it before
    the first model runs. It has an effect on CPUs; an environment variable
    that is already set wins.
    """
    os.environ.setdefault("TF_ONEDNN_ASSUME_FROZEN_WEIGHTS", "1")
