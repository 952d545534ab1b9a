"""Builds the signatures of a served model: inputs and computations."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

import keras
import tensorflow as tf

from keras_ctx.data.roles.dataset import PredicatePlace
from keras_ctx.models.encoder_of import encoder_of
from keras_ctx.models.heads.semantic_roles import PREDICATE
from keras_ctx.serving.output_kinds.kind import OutputKind
from keras_ctx.serving.signatures.align import Align
from keras_ctx.serving.signatures.answer import Answer
from keras_ctx.serving.signatures.answer_windows import AnswerWindows
from keras_ctx.serving.signatures.classify import Classify, Regress
from keras_ctx.serving.signatures.embed import Embed, encoder_inside
from keras_ctx.serving.signatures.fill_mask import FillMask
from keras_ctx.serving.signatures.generate import Generate, GenerateSettings
from keras_ctx.serving.signatures.model_outputs import (
    ModelOutputs,
    OwnOutputs,
    Tensors,
)
from keras_ctx.serving.signatures.roles import Roles
from keras_ctx.serving.signatures.signature import Signature
from keras_ctx.serving.signatures.tag import Tag
from keras_ctx.serving.signatures.text_windows import TextWindows
from keras_ctx.serving.signatures.translate import (
    Translate,
    TranslateSettings,
)
from keras_ctx.serving.signatures.writing import WRITERS
from keras_ctx.serving.text_pair import SECOND_TEXT
from keras_ctx.text import TextInputs
from keras_ctx.text.tokenize.normalization import valid

# The input of words that replaces an input of texts.
WORDS_OF = {
    "text": "tokens",
    SECOND_TEXT: "second_tokens",
    "question": "question_tokens",
    "context": "context_tokens",
}


# Maps a model, and how to run it, to a function that returns outputs by name.
MakeOutputs = Callable[..., ModelOutputs]


class TextFunction(Protocol):
    """The function of a signature, on texts or words."""

    @property
    def kinds(self) -> Mapping[str, OutputKind]: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Tensors: ...


def task_of(model: keras.Model, labels: Sequence[str] | None) -> str:
    """Returns the task of a model, the name of its main signature."""
    logits = model.output.get("logits")
    if "next_token" in model.output:
        has_encoder = "decoder_token_ids" in model.input
        return "translate" if has_encoder else "generate"
    if "masked_lm" in model.output:
        return "fill_mask"
    if "start_logits" in model.output:
        return "answer"
    if PREDICATE in model.input:
        return "roles"
    if logits is not None and labels is not None:
        return "classify" if len(logits.shape) == 2 else "tag"
    if logits is not None and logits.shape[1:] == (1,):
        return "regress"
    if model.output.keys() & {"layers", "embedding"}:
        return "embed"
    # A head without label names.
    return "serving_default"


def signatures(
    model: keras.Model,
    text_inputs: TextInputs,
    labels: Sequence[str] | None,
    pair: bool,
    top_k: int,
    windows: AnswerWindows | TextWindows | None = None,
    multi_label: bool = False,
    make_outputs: MakeOutputs = ModelOutputs,
    writing: GenerateSettings | TranslateSettings | None = None,
    predicate: PredicatePlace | None = None,
) -> dict[str, Signature]:
    """Returns all signatures of `model` by name, that of its task first.

    `windows`, `writing` and `predicate` must have passed `check_windows`,
    `check_writing` and `check_roles`.
    """
    task = task_of(model, labels)
    if task in WRITERS:
        return _of_writers(task, model, text_inputs, writing, make_outputs)
    outputs = make_outputs(model)
    names = ("text", SECOND_TEXT) if pair else ("text",)
    numbers, examples = (), {}
    of_texts = cast(TextWindows | None, windows)
    if task == "classify":
        function = Classify(
            outputs, text_inputs, labels or (), of_texts, multi_label
        )
        examples = {"classify_examples": _of_examples(function, names, task)}
    elif task == "regress":
        function = Regress(outputs, text_inputs, of_texts)
        examples = {"regress_examples": _of_examples(function, names, task)}
    elif task == "tag":
        function = Tag(outputs, text_inputs, labels or (), of_texts)
    elif task == "roles":
        function = Roles(
            outputs, text_inputs, labels or (), predicate or "flag"
        )
        numbers = (PREDICATE,)
    elif task == "answer":
        of_contexts = cast(AnswerWindows, windows)
        function = Answer(outputs, text_inputs, top_k, of_contexts)
        names = ("question", "context")
    elif task == "fill_mask":
        function = FillMask(outputs, text_inputs, top_k)
    elif task == "embed":
        function = Embed(outputs, text_inputs)
    else:
        function = OwnOutputs(outputs, text_inputs)
    made = {
        task: _of_texts(function, names, numbers),
        "tokens": _of_words(function, names, numbers),
        **examples,
        "features": _of_features(model, outputs, text_inputs),
    }
    if task == "roles":  # rounding can choose another path of tags
        for name in (task, "tokens"):
            made[name] = made[name]._replace(searches=True)
    if task != "embed":
        # A user's model may have an encoder of another library.
        with contextlib.suppress(ValueError):
            inside = make_outputs(encoder_inside(model))
            made["embed"] = _of_texts(Embed(inside, text_inputs), ("text",))
    return made


def _of_writers(
    task: str,
    model: keras.Model,
    text_inputs: TextInputs,
    writing: Any,
    make_outputs: MakeOutputs,
) -> dict[str, Signature]:
    """Returns the signatures of a model that writes texts."""
    more = {}
    if task == "generate":
        function = Generate(model, text_inputs, writing, make_outputs)
    else:
        function = Translate(model, text_inputs, writing, make_outputs)
        align = Align(model, text_inputs, writing, make_outputs)
        more = {"align": align.signature()}
    made = {
        task: function.signature(),
        # The same from the texts alone: not every client can leave out inputs.
        "serving_default": function.signature(texts_alone=True),
        **more,
        "features": _of_features(model, make_outputs(model), text_inputs),
    }
    inside = make_outputs(encoder_of(model))
    made["embed"] = _of_texts(Embed(inside, text_inputs), ("text",))
    return made


def _specs(
    names: Sequence[str], shape: list, numbers: Sequence[str] = ()
) -> dict[str, tf.TensorSpec]:
    """Returns named specs of strings: unnamed ones are served as `d`.

    Behind them are those of a number for each row.
    """
    specs = {name: tf.TensorSpec(shape, tf.string, name) for name in names}
    return specs | {x: tf.TensorSpec([None], tf.int32, x) for x in numbers}


def _of_texts(
    function: TextFunction, names: Sequence[str], numbers: Sequence[str] = ()
) -> Signature:
    def of_texts(*given: tf.Tensor) -> Tensors:
        # The first op: a request with a scalar string would crash the server in
        # the tokenizer.
        return function(*(tf.ensure_shape(x, [None]) for x in given))

    specs = _specs(names, [None], numbers)
    return Signature(of_texts, specs, function.kinds)


def _of_words(
    function: TextFunction, names: Sequence[str], numbers: Sequence[str] = ()
) -> Signature:
    """Like `_of_texts`, for words `(B, W)`, padded with "" at the end.

    Words are made valid UTF-8 as texts are, because outputs repeat them and TF
    Serving's REST would write broken bytes into its JSON.
    """

    def of_words(*given: tf.Tensor) -> Tensors:
        ragged: Any = tf.RaggedTensor
        words = (tf.ensure_shape(x, [None, None]) for x in given[: len(names)])
        more = (tf.ensure_shape(x, [None]) for x in given[len(names) :])
        return function(
            *(ragged.from_tensor(valid(x), padding="") for x in words), *more
        )

    specs = _specs([WORDS_OF[x] for x in names], [None, None], numbers)
    return Signature(of_words, specs, function.kinds)


def _of_examples(
    function: TextFunction, names: Sequence[str], method: str
) -> Signature:
    """Like `_of_texts`, for serialized `tf.train.Example`s with named texts.

    Its outputs have exactly the names that TF Serving's Classify and Regress
    require.
    """
    format = {name: tf.io.FixedLenFeature([], tf.string) for name in names}

    # Names of the outputs here, and of the function's outputs.
    renamed = {"classes": "labels", "scores": "scores"}
    if method == "regress":
        renamed = {"outputs": "score"}

    def of_examples(serialized: tf.Tensor) -> Tensors:
        parsed: Any = tf.io.parse_example(
            tf.ensure_shape(serialized, [None]), format
        )
        outputs = function(*(parsed[name] for name in names))
        return {key: outputs[name] for key, name in renamed.items()}

    kinds = {key: function.kinds[name] for key, name in renamed.items()}
    specs = _specs(["inputs"], [None])
    return Signature(of_examples, specs, kinds, method)


def _of_features(
    model: keras.Model, outputs: ModelOutputs, text_inputs: TextInputs
) -> Signature:
    """Returns the signature from the model's own inputs to its outputs.

    The padding mask follows from the ids, where they tell padding: a server
    that batches requests of different lengths pads a mask with its first
    value, which is true.

    A table of distinct words belongs to its rows. A server that batches refuses
    it unless it has as many rows as there are texts; then it would concatenate
    the tables of several requests, and look up the words of all but the first
    in the wrong one. Such text inputs refuse it.
    """
    specs = {
        name: tf.TensorSpec(x.shape, x.dtype, name)
        for name, x in model.input.items()
        if name != "padding_mask" or not text_inputs.mask_from_ids
    }

    def of_features(*ids: tf.Tensor) -> Tensors:
        features = {
            name: tf.ensure_shape(x, spec.shape)
            for (name, spec), x in zip(specs.items(), ids, strict=True)
        }
        if "padding_mask" in model.input and text_inputs.mask_from_ids:
            features["padding_mask"] = text_inputs.padding_mask(features)
        text_inputs.check_features(features)
        return outputs(features)

    return Signature(of_features, specs, outputs.kinds)
