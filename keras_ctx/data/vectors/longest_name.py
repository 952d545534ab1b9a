"""A baseline for question answering that needs no model."""

from keras_ctx.data.squad.word_offsets import split_words
from keras_ctx.evaluation.questions import SquadQuestion

_ENDS = tuple(".!?。！？")


def longest_name(question: SquadQuestion) -> str:
    """Returns the longest name in the sentence most like the question.

    Args:
        question: A question. Only its text and its context are read.

    Returns:
        The longest run of capitalized words and numbers that are not in the
        question, from the sentence that shares most words with the question.
        Without such a run, the whole sentence; "" for an empty context.

    Example:
        >>> context = "Verdi was born in Le Roncole. He wrote Aida."
        >>> longest_name(SquadQuestion("q", "Where was he born?", context))
        'Le Roncole'
    """
    asked = {word.lower() for word, _ in split_words(question.question)}
    sentences: list[list[tuple[str, int]]] = [[]]
    for word in split_words(question.context):
        sentences[-1].append(word)
        if word[0] in _ENDS:
            sentences.append([])
    likest = max(
        sentences,
        key=lambda words: len(asked & {word.lower() for word, _ in words}),
    )
    runs: list[list[tuple[str, int]]] = [[]]
    for word in likest:
        name = word[0][0].isupper() or word[0][0].isdigit()
        if name and word[0].lower() not in asked:
            runs[-1].append(word)
        else:
            runs.append([])
    longest = max(runs, key=len) or likest
    if not longest:
        return ""
    (_, start), (last, offset) = longest[0], longest[-1]
    return question.context[start : offset + len(last)]
