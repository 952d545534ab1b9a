"""Formats answers of an exported version for people."""

from pathlib import Path
from typing import Any

import numpy as np

from keras_ctx.serving.verify.raw_answers import answers as served_answers


def shown_answers(
    path: Path, card: dict[str, Any], texts: list[str]
) -> list[str]:
    """Returns the answers of the newest version, as text.

    Args:
        path: Folder of the versions.
        card: Its signature.json.
        texts: Example texts; a second input, if needed, is filled in. The
            predicate of semantic roles is the second word.
    """
    inputs: dict[str, list[Any]] = {"text": texts}
    if card["task"] == "answer":
        question = card["example"]["question"]
        inputs = {"question": question * len(texts), "context": texts}
    elif "second_text" in card["example"]:
        inputs["second_text"] = texts[::-1]
    elif card["task"] == "fill_mask":
        inputs = {"text": [f"[MASK]{text}" for text in texts]}
    elif card["task"] == "roles":
        # The second word: a predicate is often behind its subject.
        inputs["text"] = [text if text.strip() else "a" for text in texts]
        inputs["predicate"] = [
            min(1, len(text.split()) - 1) for text in inputs["text"]
        ]
    elif card["task"] == "generate":
        texts = [short_prompt(text, card) for text in texts]
        inputs = {"prompt": texts}
    answers = served_answers(path, inputs)
    shown = [
        shown_answer(answers, row, card["multi_label"])
        for row in range(len(texts))
    ]
    if card["task"] == "generate":
        return [f"{x}[...]{y}" for x, y in zip(texts, shown, strict=True)]
    return shown


def short_prompt(text: str, card: dict[str, Any]) -> str:
    """Returns the start of a text that leaves room for as many tokens.

    A token has one byte or more.
    """
    most = card["signatures"]["generate"]["defaults"]["max_length"]
    start = text.encode()[: max(0, most - 2) // 2]
    return start.decode("utf-8", "ignore")


def shown_answer(
    answers: dict[str, np.ndarray], row: int, multi_label: bool = False
) -> str:
    """Returns an answer as text: a label, tagged words, or a vector's size.

    Args:
        answers: Outputs of a signature, by name.
        row: Index of the answer.
        multi_label: Whether a text has several labels.

    Example:
        >>> answers = {"labels": np.array([["good", "bad"]]),
        ...            "scores": np.array([[0.75, 0.25]])}
        >>> shown_answer(answers, 0)
        'good 0.750'
    """
    answer = {key: value[row] for key, value in answers.items()}
    if multi_label:
        given = answer["labels"][answer["scores"] >= 0.5]
        return ", ".join(given) or "none"
    if "texts" in answer:
        return str(answer["texts"][0])
    if "labels" in answer:
        return f"{answer['labels'][0]} {answer['scores'][0]:.3f}"
    if "tags" in answer:
        return " ".join(
            word if tag in ("", "O") else f"{word}/{tag}"
            for word, tag in zip(answer["words"], answer["tags"], strict=True)
            if word
        )
    if "answers" in answer:
        return f"{str(answer['answers'][0])!r} {answer['scores'][0]:.3f}"
    if "words" in answer:
        return " ".join(answer["words"][0])
    if "score" in answer:
        return f"{answer['score']:.3f}"
    key = "embedding" if "embedding" in answer else "sequence"
    return f"{key} {answer[key].shape}, {answer['num_tokens']} tokens"
