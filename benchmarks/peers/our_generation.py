"""Generation by this library, as `recipes/generate.py` and `translate.py`."""

import functools
from pathlib import Path

from keras_ctx.command_line.packed_weights import keep_weights_packed

import keras

from keras_ctx import convert, generation, models

from .generation_steps import next_token_step, whole_step
from .keras_steps import use_threads
from .step import Step, Task, real_tokens


def prepare(task: Task) -> Path:
    keep_weights_packed()
    use_threads(task)
    keras.config.set_dtype_policy(task["policy"])
    return Path(task["folder"])


def features(ids):
    mask = real_tokens([ids.shape[1]] * len(ids), ids.shape[1])
    return {"token_ids": ids, "padding_mask": mask}


def greedily(task: Task):
    encoder = convert.load_gpt(prepare(task))
    model = models.causal_language_model(encoder)
    generator = functools.cache(
        lambda length: generation.Generator(model, length)
    )

    def generate(ids, new):
        found = generator(ids.shape[1] + new)(features(ids))
        return found.token_ids[:, 0]

    return generate


def greedy(task: Task) -> Step:
    return whole_step(greedily(task), task)


def next_token(task: Task) -> Step:
    return next_token_step(greedily(task), task)


def beam_translation(task: Task) -> Step:
    """Returns the step of a search by the rules of `transformers`."""
    folder = prepare(task)
    generator = generation.Generator(
        convert.load_marian(folder),
        1 + task["new"],
        generation.BeamSearch(
            4, 1.0, "power", "huggingface", early_stopping=False
        ),
        start_id=convert.marian_ids(folder)["start_id"],
    )
    return whole_step(
        lambda ids, _: generator(features(ids)).token_ids[:, 0], task
    )
