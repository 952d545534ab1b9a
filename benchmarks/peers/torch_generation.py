"""Generation by Hugging Face transformers, with its cache."""

import torch  # pyright: ignore[reportMissingImports]
import transformers  # pyright: ignore[reportMissingImports]

from .generation_steps import next_token_step, whole_step
from .step import Step, Task


def generator(task: Task, kind: str, **options):
    """Returns the function of `generate`, which never stops before the end."""
    torch.set_num_threads(task["threads"])
    model = getattr(transformers, kind).from_pretrained(
        task["folder"], attn_implementation=task["variant"]
    )
    model.eval()

    def generate(ids, new):
        given = torch.tensor(ids)
        with torch.inference_mode():
            found = model.generate(
                given,
                attention_mask=torch.ones_like(given),
                do_sample=False,
                max_new_tokens=new,
                eos_token_id=None,
                forced_eos_token_id=None,
                pad_token_id=0,
                **options,
            )
        return found[:, -new:].numpy()

    return generate


def greedy(task: Task) -> Step:
    return whole_step(generator(task, "GPT2LMHeadModel"), task)


def next_token(task: Task) -> Step:
    return next_token_step(generator(task, "GPT2LMHeadModel"), task)


def beam_translation(task: Task) -> Step:
    search = {"num_beams": 4, "length_penalty": 1.0, "early_stopping": False}
    return whole_step(generator(task, "MarianMTModel", **search), task)
