"""Kinds of outputs: wrong and equally good answers, by hand.

Also a user's signature with its own kind, which defines its comparison itself.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ctx
from keras_ctx import models
from keras_ctx.serving.output_kinds.bound import Bound
from keras_ctx.serving.output_kinds.kind import (
    Comparison,
    Discrete,
    Exact,
    OutputKind,
)
from keras_ctx.serving.output_kinds.numbers import Numbers
from keras_ctx.serving.output_kinds.places import Places
from keras_ctx.serving.output_kinds.ranked import Ranked
from keras_ctx.serving.output_kinds.tags import Tags
from keras_ctx.serving.signatures.answer import Answer
from keras_ctx.serving.signatures.build import signatures
from keras_ctx.serving.signatures.classify import Classify, Regress
from keras_ctx.serving.signatures.fill_mask import FillMask
from keras_ctx.serving.signatures.model_outputs import ModelOutputs, own_kinds
from keras_ctx.serving.signatures.signature import Signature
from keras_ctx.serving.signatures.tag import Tag
from keras_ctx.serving.verify.comparison import compared
from keras_ctx.serving.verify.expectation import Expectation, expectation
from keras_ctx.serving.verify.verify import check_agreement
from keras_ctx.serving.verify.witness import Witness
from keras_ctx.text import SPECIAL_TOKENS, BertInputs

WORDS = [*SPECIAL_TOKENS, *"abcde"]
VERIFY = Path(keras_ctx.__file__).parent / "serving" / "verify"


def narrow() -> Bound:
    """Returns a bound of about 4e-6, from moves of 1e-6."""
    bound = Bound()
    bound.widen(np.array([1 + 1e-6]), np.array([1.0]))
    return bound


def share(
    name: str,
    kinds: Mapping[str, OutputKind],
    given: Mapping[str, Any],
    right: Mapping[str, Any],
    model: Mapping[str, Any] | None = None,
    real: Any = None,
    inputs: Mapping[str, Any] | None = None,
) -> float:
    """Returns the share of one output."""
    arrays = [
        {key: np.asarray(x) for key, x in one.items()}
        for one in (given, right, model or {})
    ]
    bounds, model_bounds = (
        {key: narrow() for key, x in one.items() if x.dtype.kind == "f"}
        for one in arrays[1:]
    )
    pair = Comparison(
        arrays[0],
        arrays[1],
        kinds,
        bounds,
        arrays[2],
        model_bounds,
        None if real is None else np.asarray(real),
        inputs or {},
    )
    return kinds[name].difference(name, pair).share


def test_what_is_exact() -> None:
    kinds = {"counts": Exact()}
    assert share("counts", kinds, {"counts": [3, 4]}, {"counts": [3, 4]}) == 0
    found = share("counts", kinds, {"counts": [3, 5]}, {"counts": [3, 4]})
    assert found == np.inf


@pytest.mark.parametrize("axis", [1, 2])
def test_numbers_at_padding(axis: int) -> None:
    # Two rows of two positions; the last is padding. Two layers, if axis 2.
    right = np.ones((2, 2, 2))
    real = [[True, True], [True, False]]
    kinds = {"x": Numbers(position_axis=axis)}
    for row, position, wrong in ((1, 1, False), (1, 0, True), (0, 1, True)):
        given = right.copy()
        np.moveaxis(given, axis, 1)[row, position] = 2
        assert share("x", kinds, {"x": given}, {"x": right}, real=real) == (
            pytest.approx(1 / narrow()(np.array(1.0)))
            if wrong
            else pytest.approx(0)
        )
        # Outputs without positions are compared completely.
        plain = {"x": Numbers()}
        assert share("x", plain, {"x": given}, {"x": right}, real=real) > 1


def test_rows_do_not_count_padding() -> None:
    real = np.array([[True, True], [True, False], [True, True]])
    flags = np.zeros((3, 2, 4), bool)
    flags[1, 1] = flags[2, 0, 3] = True
    assert Numbers(position_axis=1).rows(flags, real).tolist() == [2]
    assert Numbers().rows(flags, real).tolist() == [1, 2]


RANKED = {"labels": Ranked(scores="scores"), "scores": Numbers()}


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        ([["a", "b", "c"], ["d", "e", "f"]], False),
        ([["b", "a", "c"], ["d", "e", "f"]], False),  # a tie in the first row
        ([["a", "b", "c"], ["e", "d", "f"]], True),  # none in the second
        ([["b", "a", "c"], ["e", "d", "f"]], True),
    ],
)
def test_ties_of_each_ranking(names: list[list[str]], wrong: bool) -> None:
    scores = [[0.4, 0.4, 0.2], [0.5, 0.3, 0.2]]
    right = {"labels": [list("abc"), list("def")], "scores": scores}
    given = {"labels": names, "scores": scores}
    found = share("labels", RANKED, given, right)
    assert found == (np.inf if wrong else 0)


# The first token of a row is a tie of 0 and 1, the second is not; there is one
# padding token.
LOGITS = [[[1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]]
REAL = [[True, True, False]]


@pytest.mark.parametrize(
    ("tags", "wrong"),
    [
        ([0, 2, -1], False),
        ([1, 2, -1], False),
        ([0, 1, -1], True),
        ([1, 1, -1], True),
        ([0, 2, 0], False),  # at padding
    ],
)
def test_tags_of_tokens(tags: list[int], wrong: bool) -> None:
    kinds = {"tags": Tags(position_axis=1, decided_by="logits")}
    model = {"logits": LOGITS}
    pair = {"tags": [tags]}, {"tags": [[0, 2, -1]]}
    found = share("tags", kinds, *pair, model, REAL)
    assert found == (np.inf if wrong else 0)
    # If padding is unknown, no tag is free.
    found = share("tags", kinds, *pair, model)
    assert found == (0 if tags == [0, 2, -1] else np.inf)


def test_tags_of_words_and_their_scores() -> None:
    kinds = {
        "tags": Tags(decided_by="logits", of_words=True),
        "scores": Numbers(of="tags"),
    }
    right = {"tags": [["O", "B"]], "scores": [[0.4, 0.6]]}
    model = {"logits": LOGITS}

    def shares(tags: list[str], scores: list[float]) -> list[float]:
        given = {"tags": [tags], "scores": [scores]}
        return [share(x, kinds, given, right, model, REAL) for x in kinds]

    # One token is undecided: one word may have another tag and score.
    assert shares(["I", "B"], [0.1, 0.6]) == [0, 0]
    assert shares(["I", "I"], [0.4, 0.6])[0] == np.inf
    # The scores of the other word and of a wrong tag are compared.
    assert shares(["I", "B"], [0.4, 0.7])[1] > 1
    assert shares(["I", "I"], [0.1, 0.6])[1] > 1


def test_scores_of_other_tags_say_nothing_of_rounding() -> None:
    one = {"tags": np.array([["O", "I"]]), "scores": np.array([[0.4, 0.9]])}
    other = {"tags": np.array([["O", "B"]]), "scores": np.array([[0.5, 0.1]])}
    found = Numbers(of="tags").comparable("scores", one, other, None)
    assert [x.tolist() for x in found] == [[0.4], [0.5]]


def test_scores_of_what_is_no_name() -> None:
    kinds = {"x": Numbers(of="y"), "y": Numbers()}
    answer = {"x": [1.0], "y": [1.0]}
    with pytest.raises(TypeError, match="`of` must be an output of a discrete"):
        share("x", kinds, answer, answer)


@pytest.mark.parametrize(
    ("spans", "starts", "wrong"),
    [
        (["ab", "c"], [0, 3], False),
        (["ab", "c"], [5, 3], False),  # also occurs there
        (["ab", "c"], [0, 4], True),
        (["c", "ab"], [3, 0], False),  # spans decide if they may swap
        (["c", "ab"], [0, 3], True),  # the offset of the other
        (["c", "ab"], [3, 5], False),
    ],
)
@pytest.mark.parametrize(
    "inputs", [{"text": ["ab c ab"]}, {"words": [[b"ab", b"c", b"ab"]]}]
)
def test_places(
    spans: list[str], starts: list[int], wrong: bool, inputs: dict
) -> None:
    kinds = {"starts": Places(spans="spans", found_in=("text", "words"))}
    right = {"spans": [["ab", "c"]], "starts": [[0, 3]]}
    given = {"spans": [spans], "starts": [starts]}
    found = share("starts", kinds, given, right, inputs=inputs)
    assert found == (np.inf if wrong else 0)


def test_kinds_of_own_outputs() -> None:
    encoder = models.bert_encoder(10, 1, 2, 8, 16, 12)
    assert own_kinds(encoder) == {
        "sequence": Numbers(position_axis=1),
        "layers": Numbers(position_axis=2),
        "pooled": Numbers(),
    }
    tagger = models.tagger(encoder, 3, crf=True)
    assert own_kinds(tagger) == {
        "logits": Numbers(position_axis=1),
        "tags": Tags(position_axis=1, decided_by="logits"),
        "scores": Numbers(position_axis=1),
    }
    # The M masked positions are not positions of the row.
    pretrainer = own_kinds(models.bert_pretrainer(encoder))
    assert pretrainer["masked_lm"] == Numbers()
    classifier = models.classifier(encoder, 3)
    ids = keras.ops.argsort(classifier.output["logits"])
    own = {"labels": ids, "ids": ids, "scores": keras.ops.cast(ids, "float32")}
    ranking = keras.Model(classifier.input, own)
    assert own_kinds(ranking) == {
        "labels": Ranked(scores="scores"),
        "ids": Exact(),
        "scores": Numbers(),
    }


# A signature of a new family, with its own kind.


@dataclass(frozen=True, kw_only=True)
class Likeliest(Discrete):
    """A text per row: the most probable by `logits`, or an equal one."""

    texts: tuple[str, ...]

    def wrong(self, name: str, pair: Comparison) -> np.ndarray:
        logits = pair.model["logits"]
        given = [self.texts.index(text) for text in pair.given[name]]
        bounds = pair.model_bounds["logits"](logits)
        rows = np.arange(len(logits))
        best = logits.argmax(axis=1)
        gaps = logits[rows, best] - logits[rows, given]
        return gaps > bounds[rows, best] + bounds[rows, given]


class Continue:
    """A signature for the most probable continuation, and its logit."""

    def __init__(self, model: ModelOutputs, text_inputs: BertInputs) -> None:
        self._model = model
        self._text_inputs = text_inputs
        self.texts = (" and so on", " or not", ".")
        self.kinds = {
            "continuation": Likeliest(texts=self.texts),
            "log_likelihood": Numbers(of="continuation"),
            "length": Exact(),
        }

    def __call__(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        logits = self._model(self._text_inputs(text))["logits"]
        best = self.chosen(logits)
        return {
            "continuation": tf.gather(tf.constant(self.texts), best),
            "log_likelihood": tf.reduce_max(logits, axis=1),
            "length": tf.strings.length(text),
        }

    def chosen(self, logits: tf.Tensor) -> tf.Tensor:
        return tf.argmax(logits, axis=1)


class LastOfEquals(Continue):
    """A correct signature, except for the order of equals."""

    def chosen(self, logits: tf.Tensor) -> tf.Tensor:
        return 2 - tf.argmax(logits[:, ::-1], axis=1)


class Unlikeliest(Continue):
    def chosen(self, logits: tf.Tensor) -> tf.Tensor:
        return tf.argmin(logits, axis=1)


class Export(NamedTuple):
    """A model with only the user's signature."""

    model: keras.Model
    inputs: BertInputs
    expected: Expectation

    @classmethod
    def of(cls, tie: bool) -> "Export":
        keras.utils.set_random_seed(3)
        encoder = models.bert_encoder(len(WORDS), 1, 2, 8, 16, 12)
        model = models.classifier(encoder, 3)
        if tie:
            head = model.get_layer("logits")
            head.set_weights([0 * w for w in head.get_weights()])
        else:
            model.get_layer("logits").bias.assign([0.1, 0.2, 0.3])
        inputs = BertInputs(WORDS, 12, split="character")
        witness = Witness(
            lambda outputs: {
                "continue": continuing(Continue(outputs(model), inputs))
            },
            inputs,
        )
        requests = [("continue", {"text": ["ab", "", "edc"]})]
        expected = expectation(model, witness, requests)
        return cls(model, inputs, expected)

    def answered(self, how: type[Continue]) -> dict[str, float]:
        """Returns the share of each output for another function's answers."""
        function = how(ModelOutputs(self.model), self.inputs)
        [(name, inputs)] = self.expected.requests
        given = {
            key: x.numpy().astype(str) if x.dtype == tf.string else x.numpy()
            for key, x in function(tf.constant(inputs["text"])).items()
        }
        found = compared(
            given,
            self.expected.answers[0],
            self.expected.bounds[name],
            self.expected.model_bounds[name],
            inputs,
        )
        return {key: one.share for key, one in found.items()}


def continuing(function: Continue) -> Signature:
    specs = {"text": tf.TensorSpec([None], tf.string, "text")}
    return Signature(function, specs, function.kinds)


def test_a_signature_of_ones_own() -> None:
    right = {"continuation": 0, "log_likelihood": 0, "length": 0}
    export = Export.of(tie=False)
    assert export.answered(LastOfEquals) == pytest.approx(right, abs=0.5)
    found = export.answered(Unlikeliest)
    assert found["continuation"] == np.inf and found["length"] == 0
    # Any of equal texts is accepted, and no others.
    export = Export.of(tie=True)
    assert export.expected.answers[0].outputs["continuation"][0] != "."
    assert export.answered(LastOfEquals) == right


@pytest.mark.slow  # a SavedModel and a process for each
@pytest.mark.parametrize(
    ("how", "tie"), [(Unlikeliest, False), (LastOfEquals, True)]
)
def test_an_export_with_a_signature_of_ones_own(
    how: type[Continue], tie: bool, tmp_path: Path
) -> None:
    export = Export.of(tie)
    signature = continuing(how(ModelOutputs(export.model), export.inputs))
    archive = keras.export.ExportArchive()
    for table in export.inputs.tables:
        archive.track(table)
    specs = list(signature.inputs.values())
    archive.add_endpoint("continue", signature.function, specs)
    archive.write_out(tmp_path, verbose=False)
    variables = [x.value for x in export.model.variables]
    if not tie:
        message = "`continuation` from `continue` must equal .* nothing was"
        with pytest.raises(RuntimeError, match=message):
            check_agreement(tmp_path, export.expected, variables)
        return
    agreement = check_agreement(tmp_path, export.expected, variables)
    assert agreement.largest()["share"] <= 1


def test_an_output_without_a_kind_is_refused() -> None:
    encoder = models.bert_encoder(len(WORDS), 1, 2, 8, 16, 12)
    model = models.classifier(encoder, 3)
    inputs = BertInputs(WORDS, 12, split="character")

    def make(outputs: Any) -> dict[str, Signature]:
        signature = continuing(Continue(outputs(model), inputs))
        kinds = {"continuation": signature.kinds["continuation"]}
        return {"continue": signature._replace(kinds=kinds)}

    message = (
        "`kinds` of the signature 'continue' must have a kind for each "
        "output. Received: none for `length`, `log_likelihood`"
    )
    with pytest.raises(ValueError, match=message):
        expectation(
            model, Witness(make, inputs), [("continue", {"text": ["a"]})]
        )


def test_the_checks_know_no_output_and_no_signature() -> None:
    encoder = models.bert_encoder(len(WORDS), 1, 2, 8, 16, 12)
    inputs = BertInputs(WORDS, 12)
    names = {"padding_mask", "mix", "embedding"}
    for model, labels in (
        (encoder, None),
        (models.classifier(encoder, 2), ["a", "b"]),
        (models.classifier(encoder, 1), None),
        (models.tagger(encoder, 2, crf=True), ["a", "b"]),
        (models.bert_pretrainer(encoder), None),
    ):
        found = signatures(model, inputs, labels, False, 1)
        names |= {key for one in found.values() for key in one.kinds}
        names |= found.keys()
    for function in (Answer, Classify, FillMask, Regress, Tag):
        names |= function.kinds.keys()
    assert {"layers", "tags", "null_odds", "classes", "fill_mask"} <= names
    files = sorted(VERIFY.glob("*.py"))
    assert len(files) > 5
    for path in files:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        said = {
            node.value for node in ast.walk(tree) if type(node) is ast.Constant
        }
        assert not said & names, path.name
