"""A product of two square matrices in TensorFlow: its ceiling."""

import numpy as np
import tensorflow as tf

from .step import Step, Task

PACKAGES = ("tensorflow",)


def matmul(task: Task) -> Step:
    threads = task["threads"]
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    generator = np.random.default_rng(0)

    @tf.function
    def product(a, b):
        return tf.matmul(a, b)

    def feed(inputs):
        drawn = generator.random((2, inputs["n"], inputs["n"]), "float32")
        pair = [tf.cast(tf.constant(x), task["policy"]) for x in drawn]
        return inputs["repeats"], *pair

    def compute(fed):
        repeats, a, b = fed
        return [product(a, b) for _ in range(repeats)][-1]

    return Step(feed, compute)


STEPS = {"matmul": matmul}
