"""Computes a Keras model's answers to questions, as in evaluation."""

from typing import Any

import numpy as np
import tensorflow as tf
from cpp_server import Arrays
from keras_outputs import counted, given, outputs_of
from served_models import WINDOWS, Case

from keras_ctx import data


def answer(case: Case, inputs: Arrays, top_k: int = 5) -> Arrays:
    """Returns the best answers by `keras_ctx.data.decode_answers`."""
    asked, contexts = given(inputs, "question"), given(inputs, "context")
    of_words = isinstance(contexts, tf.RaggedTensor)
    texts = [joined(asked), joined(contexts)]
    questions = [
        data.SquadQuestion(str(i), *pair)
        for i, pair in enumerate(zip(*texts, strict=True))
    ]
    made = data.question_windows(
        questions,
        case.text_inputs,
        training=False,
        stride=WINDOWS.stride,
        max_question=WINDOWS.max_question,
        max_answer=WINDOWS.max_answer,
    )
    windows = [window.question for window in made.windows]
    # A context is complete only if all windows are read.
    assert np.bincount(windows).max() <= WINDOWS.max_windows
    dataset = data.squad_dataset(
        made, case.text_inputs, batch_size=32, training=False
    )
    batches = (
        (where, outputs_of(case.model, features)) for features, where in dataset
    )
    decoded = data.decode_answers(
        made, batches, top_k=top_k, max_answer=WINDOWS.max_answer
    )

    size = (len(questions), top_k)
    answers = np.full(size, b"", object)
    scores = np.zeros(size, np.float32)
    starts, ends = np.full((2, *size), -1, np.int32)
    for row, found in enumerate(decoded):
        # Word indices at each offset, if offsets count words.
        places = [place for _, place in made.context_words[row]]
        if of_words:
            words = contexts[row].numpy().tolist()
            assert [w.encode() for w, _ in made.context_words[row]] == words
        for rank, one in enumerate(found.candidates):
            start, end = one.start, one.start + len(one.text)
            if of_words:
                start = places.index(start)
                end = start + len(data.split_words(one.text))
            answers[row, rank] = one.text.encode()
            scores[row, rank] = one.probability
            starts[row, rank], ends[row, rank] = start, end
    read = [
        tf.ragged.constant(rows, ragged_rank=1, dtype=tf.string)
        for rows in (
            made.question_words,
            [[word for word, _ in words] for words in made.context_words],
        )
    ]
    cut = [
        len(data.split_words(text)) > len(kept)
        for text, kept in zip(texts[0], made.question_words, strict=True)
    ]
    return counted(case.text_inputs, *read) | {
        "answers": answers,
        "scores": scores,
        "starts": starts,
        "ends": ends,
        "null_odds": np.array(
            [found.null_odds for found in decoded], np.float32
        ),
        "truncated": np.array(cut),
    }


def joined(texts: Any) -> list[str]:
    """Returns texts, or words joined by spaces."""
    if isinstance(texts, tf.RaggedTensor):
        return [b" ".join(row).decode() for row in texts.to_list()]
    return [text.decode() for text in texts.numpy()]
