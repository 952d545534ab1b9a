"""Strict F1 of tags in any scheme."""

from collections.abc import Sequence

from keras_ctx.evaluation.tag_schemes.recognized import recognize_tags
from keras_ctx.evaluation.tag_schemes.schemes import (
    broken_spans,
    span_tags,
    tag_spans,
)
from keras_ctx.evaluation.tag_schemes.spelling import PLAIN, TagScheme
from keras_ctx.evaluation.tagging import TaggingTask
from keras_ctx.extras import need

# seqeval's names of the schemes; it knows neither M nor W.
_SEQEVAL = {"BIOES": "IOBES", "BMES": "IOBES", "BMEWO": "IOBES"}
_LETTERS = str.maketrans("MW", "IS")


def strict_f1(
    true: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]
) -> float:
    """Computes the F1 of spans with the right words and type.

    Args:
        true: The tags of sentences, in any scheme, or plain.
        predicted: The predicted tags, in the same scheme. Missing tags at the
            end of a sentence count as outside.

    Returns:
        The F1 of seqeval's strict mode, where a span that breaks a rule of
        the scheme does not count. For plain tags the accuracy.

    Raises:
        ValueError: No single scheme has all the tags.
        ModuleNotFoundError: `seqeval` is not installed.

    Example:
        >>> true = [["I-PER", "I-PER", "O"], ["I-LOC", "B-LOC"]]
        >>> strict_f1(true, true), strict_f1(true, [["I-PER", "I-PER"], []])
        (1.0, 0.5)
    """
    scheme, _ = recognize_tags({"`true`": true})
    if scheme.name == PLAIN:
        return TaggingTask([], scheme).scores(true, predicted)["accuracy"]
    need("Scores need", "seqeval")
    import seqeval.scheme
    from seqeval.metrics import f1_score

    if scheme.name in ("BIOS", "BIOE"):  # which seqeval does not know
        right = [[_kept(scheme, tags) for tags in x] for x in (true, predicted)]
        return TaggingTask([]).scores(*right)["f1"]

    def renamed(tags: Sequence[str], num_words: int) -> list[str]:
        normal = scheme.normals(tags) + ["O"] * (num_words - len(tags))
        return [tag[0].translate(_LETTERS) + tag[1:] for tag in normal]

    name = _SEQEVAL.get(scheme.name, scheme.name)
    pairs = list(zip(true, predicted, strict=True))
    return float(
        f1_score(
            [renamed(tags, len(tags)) for tags, _ in pairs],
            [renamed(best, len(tags)) for tags, best in pairs],
            mode="strict",
            scheme=getattr(seqeval.scheme, name),
            zero_division=0,  # pyright: ignore
        )
    )


def _kept(scheme: TagScheme, tags: Sequence[str]) -> list[str]:
    """Returns the spans that follow the rules of their scheme, as IOB2 tags."""
    normal = scheme.normals(tags)
    spans = tag_spans(normal)
    broken = broken_spans(normal, spans, scheme.name)
    return span_tags([x for x in spans if x not in broken], len(normal))
