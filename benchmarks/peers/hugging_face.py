"""BERT of Hugging Face transformers on PyTorch.

Variants: "eager" and "sdpa" attention; "compile", the latter with
`torch.compile`. With the policy "bfloat16" the weights are bfloat16, with
"mixed_bfloat16" they are float32 and autocast converts them.
"""

import contextlib
import itertools
import math
import random
from pathlib import Path

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
import transformers  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

from harness.length_batches import length_batches

from .step import EPSILON, LEARNING_RATE, WEIGHT_DECAY, Step, Task, real_tokens
from .torch_generation import beam_translation, greedy, next_token

PACKAGES = ("torch", "transformers")


def load(task: Task, kind: str, **options):
    torch.set_num_threads(task["threads"])
    torch.manual_seed(0)
    model = getattr(transformers, kind).from_pretrained(
        task["folder"],
        attn_implementation="eager" if task["variant"] == "eager" else "sdpa",
        hidden_dropout_prob=task["dropout"],
        attention_probs_dropout_prob=task["dropout"],
        **options,
    )
    pure = task["policy"] == "bfloat16"
    return model.to(torch.bfloat16 if pure else torch.float32)


def maybe_compiled(task: Task, function):
    return torch.compile(function) if task["variant"] == "compile" else function


def maybe_mixed(task: Task):
    if task["policy"] == "mixed_bfloat16":
        return torch.autocast("cpu", torch.bfloat16)
    return contextlib.nullcontext()


def features(inputs) -> dict[str, torch.Tensor]:
    ids = torch.tensor(inputs["token_ids"])
    mask = real_tokens(inputs["lengths"], ids.shape[1]).astype("int64")
    return {
        "input_ids": ids,
        "token_type_ids": torch.zeros_like(ids),
        "attention_mask": torch.tensor(mask),
    }


def heads(task: Task, name: str) -> torch.Tensor:
    """Returns a kernel as `nn.Linear` stores it."""
    with np.load(Path(task["folder"]) / "heads.npz") as arrays:
        return torch.tensor(arrays[name].T.copy())


def inference(task: Task) -> Step:
    model = load(task, "BertModel").eval()
    call = maybe_compiled(task, lambda fed: model(**fed).last_hidden_state)

    def compute(fed):
        with torch.inference_mode(), maybe_mixed(task):
            return call(fed)

    return Step(features, compute, lambda found: found.float().numpy())


def training_step(task: Task, model, loss_of, feed) -> Step:
    """Returns a step of AdamW, which returns the loss before it."""
    model.train()
    optimizer = torch.optim.AdamW(
        model.parameters(),
        LEARNING_RATE,
        weight_decay=WEIGHT_DECAY,
        fused=True,
    )
    [group] = optimizer.param_groups
    steps = itertools.count(1)
    call = maybe_compiled(task, loss_of)

    def compute(fed):
        with maybe_mixed(task):
            loss = call(*fed)
        loss.backward()
        # Keras adds epsilon before the bias of the squares is corrected, as
        # Kingma and Ba do at the end of their section 2, and torch after it.
        group["eps"] = EPSILON / math.sqrt(1 - group["betas"][1] ** next(steps))
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return Step(feed, compute, lambda loss: np.array([loss], "float32"))


def classes(task: Task) -> Step:
    model = load(task, "BertModel")
    kernel = heads(task, "classes")
    model.classes = nn.Linear(kernel.shape[1], 2)
    with torch.no_grad():
        model.classes.weight.copy_(kernel)
        model.classes.bias.zero_()

    def loss_of(fed, labels):
        logits = model.classes(model(**fed).pooler_output)
        return functional.cross_entropy(logits.float(), labels)

    def feed(inputs):
        return features(inputs), torch.tensor(inputs["labels"])

    return training_step(task, model, loss_of, feed)


def masked_lm(task: Task) -> Step:
    """Returns the step with logits at the masked positions only."""
    model = load(task, "BertForMaskedLM")
    with torch.no_grad():
        dense = model.cls.predictions.transform.dense
        dense.weight.copy_(heads(task, "dense"))

    def loss_of(fed, positions, targets):
        sequence = model.bert(**fed).last_hidden_state
        places = positions[..., None].expand(-1, -1, sequence.shape[-1])
        logits = model.cls(sequence.gather(1, places))
        return functional.cross_entropy(
            logits.flatten(0, 1).float(), targets.flatten()
        )

    def feed(inputs):
        positions, targets = inputs["positions"], inputs["targets"]
        return features(inputs), torch.tensor(positions), torch.tensor(targets)

    return training_step(task, model, loss_of, feed)


def fine_tuning(task: Task) -> Step:
    """Returns the step of one epoch, with dynamic padding."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(task["folder"])
    kind = "AutoModelForSequenceClassification"
    model = load({**task, "dropout": 0.1}, kind, num_labels=2)
    names = [name for name, _ in model.named_parameters()]
    kept = [name for name in names if "bias" in name or "LayerNorm" in name]
    parts = [
        {
            "params": [
                p for n, p in model.named_parameters() if (n in kept) == k
            ],
            "weight_decay": 0.0 if k else WEIGHT_DECAY,
        }
        for k in (False, True)
    ]
    optimizer = torch.optim.AdamW(parts, 5e-5, eps=1e-6, fused=True)
    schedule = None
    epoch = 0

    def encoded(texts):
        return tokenizer(
            list(texts),
            truncation=True,
            max_length=task["max_length"],
            padding=True,
            return_tensors="pt",
        )

    def compute(fed):
        nonlocal epoch, schedule
        rows = list(zip(fed["texts"], fed["labels"], strict=True))
        total = 10 * (len(rows) // 32)
        warm = max(round(0.1 * total), 1)
        schedule = schedule or torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: min(step / warm, (total - step) / (total - warm)),
        )
        model.train()
        for batch in length_batches(rows, 32, random.Random(epoch)):
            texts, labels = zip(*batch, strict=True)
            with maybe_mixed(task):
                found = model(**encoded(texts), labels=torch.tensor(labels))
            found.loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        epoch += 1
        return fed

    def accuracy(fed):
        model.eval()
        with torch.inference_mode():
            texts = fed["held_texts"]
            best = [
                model(**encoded(texts[k : k + 64])).logits.argmax(-1).numpy()
                for k in range(0, len(texts), 64)
            ]
        return np.array([np.mean(np.concatenate(best) == fed["held_labels"])])

    return Step(dict, compute, accuracy)


STEPS = {
    "inference": inference,
    "training": classes,
    "masked_lm": masked_lm,
    "fine_tuning": fine_tuning,
    "greedy": greedy,
    "next_token": next_token,
    "beam_translation": beam_translation,
}
