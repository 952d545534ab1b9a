"""One object that takes text: a model with its text inputs and its labels."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_ctx import models, serving
from keras_ctx.predictions.run_task import RunTask
from keras_ctx.text_model.asking.asking import Asking, vectors
from keras_ctx.text_model.asking.signature import ServedVersion, answer_windows
from keras_ctx.text_model.asking.stream import Verbose, with_bar
from keras_ctx.text_model.check_model import checked_task
from keras_ctx.text_model.learning import (
    compiled_here,
    evaluated,
    fitted,
    mark_compiled,
)
from keras_ctx.text_model.results import Tokens
from keras_ctx.text_model.saving import save_text_model
from keras_ctx.text_model.string_model import string_model
from keras_ctx.text_model.texts.rows import num_texts

_FIELDS = ("model", "text_inputs", "labels", "task", "settings")


@dataclass(frozen=True, eq=False, repr=False)
class TextModel:
    """A model that takes text and returns readable results.

    `keras_ctx.load` creates one from a folder; this class, from its parts.
    Calling it is the same as `predict`.

    Args:
        model: A task model, an embedder, a pretrainer or an encoder of
            `keras_ctx.models`.
        text_inputs: The text inputs that it was, or will be, trained with.
        labels: Names of the classes or tags, in the order of the logits.
        task: "classification", "multi_label", "regression", "tagging",
            "question_answering", "embedding", "encoder" or "fill_mask";
            Defaults to the task that fits the outputs and the labels.
        settings: Other entries of a run's `task.json`, such as `{"pair": True}`
            for a model that reads text pairs.

    Raises:
        ValueError: The parts do not fit each other.

    Example:
        >>> from keras_ctx import models, text
        >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> model = TextModel(models.classifier(encoder, 2),
        ...                   text.ElmoInputs(max_characters=5),
        ...                   ["bad", "good"])
        >>> history = model.fit(["fine", "poor"], ["good", "bad"], verbose=0)
        >>> [found] = model(["fine"])
        >>> sorted(found.scores)
        ['bad', 'good']
    """

    model: Any
    text_inputs: Any = None
    labels: Sequence[str] = ()
    task: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        task = checked_task(
            *(self.model, self.text_inputs, self.labels),
            *(self.task, dict(self.settings)),
        )
        self.__dict__.update(labels=task.labels, task=task.kind)

    def __getstate__(self) -> dict[str, Any]:
        # A copy must build its own graphs: these would run the first model.
        state = {name: getattr(self, name) for name in _FIELDS}
        return {**state, "compiled": compiled_here(self.model)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({name: state[name] for name in _FIELDS})
        if state["compiled"]:
            mark_compiled(self.model)

    def __repr__(self) -> str:
        shown = getattr(self.model, "name", self.model)
        some = list(self.labels[:5]) + ["..."] * (len(self.labels) > 5)
        return f"TextModel({self.task}, {shown!r}, labels={some})"

    def __call__(self, texts: Any, batch_size: int | None = None) -> Any:
        return self.predict(texts, batch_size)

    def with_dtype(self, dtype: str) -> "TextModel":
        """Returns a copy whose encoder has another dtype policy.

        Args:
            dtype: See `keras_ctx.models.with_dtype`: "bfloat16" to predict
                with half of the memory, and faster on a processor that has
                products of bfloat16.

        Raises:
            ValueError: The policy is unknown, or this is an exported version.

        Example:
            >>> from keras_ctx import models, text
            >>> encoder = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
            >>> made = TextModel(models.embedder(encoder), text.ElmoInputs(5))
            >>> half = made.with_dtype("bfloat16")
            >>> half.model.weights[0].dtype, half(["a text"]).dtype.name
            ('bfloat16', 'float32')
        """
        self._check_is_keras("with_dtype")
        return replace(self, model=models.with_dtype(self.model, dtype))

    def predict(
        self,
        texts: Any,
        batch_size: int | None = None,
        verbose: Verbose = None,
    ) -> Any:
        """Predicts a result for each text, in the order of the texts.

        Texts of similar length are batched, and few are in memory at a time;
        for vectors, only the returned array grows.

        Args:
            texts: An iterable of texts, an array, or a `tf.data.Dataset` of
                strings, batched or not. A model of pairs takes tuples of two
                texts; a question-answering model `(question, context)`; a
                tagger also lists of words.
            batch_size: Texts, or windows of contexts, per batch. `None`: as
                many as have 2,048 tokens together, with their padding; 32
                windows, and 32 texts of an exported version.
            verbose: Whether to show a progress bar, also as 0 or 1. If `None`
                or "auto", it is shown on a terminal for long work.

        Returns:
            Depending on `task`: a list of `Label`, `LabelSet`, `Answer` or
            `Tokens`; for a tagger, a list of `Entity` per text; for
            "fill_mask", a list of `Filled` per [MASK] per text; for a
            regressor, an array `(N,)`; for an embedder, float32 `(N, D)`.

        Raises:
            ValueError: A text has the wrong form, with its row; or the model
                returns numbers that are not finite.
        """
        results = with_bar(
            self.stream(texts, batch_size), num_texts(texts), verbose
        )
        if self.task == "regression":
            return np.fromiter(results, np.float32)
        if self.task == "embedding":
            return vectors(results, num_texts(texts), self._size)
        return list(results)

    def stream(
        self, texts: Any, batch_size: int | None = None
    ) -> Iterator[Any]:
        """Yields the results of `predict` one by one, while texts are read."""
        return self._asking.results(texts, batch_size)

    def fit(
        self,
        texts: Any,
        labels: Any,
        *,
        batch_size: int = 32,
        epochs: int = 1,
        learning_rate: float = 5e-5,
        validation_data: tuple[Any, Any] | None = None,
        seed: int = 0,
        **arguments: Any,
    ) -> keras.callbacks.History:
        """Trains on texts and their labels, with `keras.Model.fit`.

        A model that you have compiled is used as it is. Otherwise each call
        compiles it as the fine-tuning recipes do: AdamW, a learning rate that
        rises in the first tenth of the steps and falls to 0, and the loss of
        the task.

        Args:
            texts: See `predict`.
            labels: One label for each text: the name of its class; a list of
                names; a number; for words, a tag for each, and for a text to
                tag, its spans as `(start, end, label)`, in characters; for a
                question, its answer, `(answer, start)`, a list of these, or
                `None`.
            batch_size: Texts, or windows of contexts, per step.
            epochs: Passes over the texts.
            learning_rate: Highest learning rate, a number. 5e-5 suits a
                published BERT; small models need more, such as 1e-3.
            validation_data: Texts and labels to score after each epoch.
            seed: Seed of the order of the texts.
            **arguments: Other arguments of `keras.Model.fit`, such as
                `callbacks`, `verbose` and `steps_per_epoch`. Those for arrays
                only, such as `sample_weight`, are refused.

        Returns:
            The history of `keras.Model.fit`.

        Raises:
            ValueError: The texts or labels do not fit this model.
        """
        self._check_is_keras("fit")
        return fitted(
            *(self._task, texts, labels),
            batch_size=batch_size,
            epochs=epochs,
            learning_rate=learning_rate,
            validation_data=validation_data,
            seed=seed,
            **arguments,
        )

    def evaluate(
        self,
        texts: Any,
        labels: Any,
        batch_size: int = 32,
        verbose: Verbose = None,
    ) -> dict[str, float]:
        """Scores the model on labelled texts, with the metrics of the recipes.

        Args:
            texts: See `fit`.
            labels: See `fit`.
            batch_size: Texts per batch.
            verbose: See `predict`.

        Returns:
            By name, such as "accuracy" and "f1_macro"; of answers `exact`
            and `f1`, in percent. Of a tagger those of whole names, as the
            strict mode of seqeval counts them: one whose first tag is an
            "I-" is wrong. `predict` shows it, as conlleval reads tags, so
            that a name may be shown that counts as an error here. Of
            labels in another scheme than IOB2, such as those of a published
            model, both read tags as conlleval does.
        """

        def shown(results: Iterator[Any], rows: Sequence[Any]) -> list[Any]:
            return list(with_bar(results, len(rows), verbose))

        return evaluated(
            *(self._task, texts, labels),
            lambda rows: shown(self.stream(rows, batch_size), rows),
            lambda rows: shown(self._asking.tags(rows, batch_size), rows),
        )

    @property
    def encoder(self) -> keras.Model:
        """The encoder of the model; its layers are shared."""
        self._check_is_keras("encoder")
        return self._asking.encoder

    def layers(self, texts: Any, batch_size: int = 32) -> list[Tokens]:
        """Returns the vectors of all tokens in all layers.

        Args:
            texts: Single texts, for any task.
            batch_size: Texts per batch.

        Returns:
            `Tokens` with vectors `(L+1, T, D)` for each text; layer 0 is the
            embeddings.
        """
        return self._asking.layers(texts, batch_size)

    def attention(self, texts: Any, batch_size: int = 32) -> list[Tokens]:
        """Returns the attention of all heads of a BERT.

        Args:
            texts: Single texts, for any task.
            batch_size: Texts per batch.

        Returns:
            `Tokens` with scores `(L, H, T, T)` for each text; see
            `keras_ctx.models.attention_scores`.
        """
        self._check_is_keras("attention")
        return self._asking.attention(texts, batch_size)

    def export(self, path: str | Path, **options: Any) -> Path:
        """Writes the next SavedModel version, with `keras_ctx.serving.export`.

        Args:
            path: Folder of the versions.
            **options: Options of `serving.export`.

        Returns:
            The folder of the version, which `keras_ctx.load` also reads.
        """
        self._check_is_keras("export")
        known: dict[str, Any] = {"labels": list(self.labels) or None}
        known["multi_label"] = self.task == "multi_label"
        known["pair"] = bool(self.settings.get("pair"))
        if self.task == "question_answering":
            known["windows"] = answer_windows(self._task)
        known |= options
        return serving.export(self.model, self.text_inputs, path, **known)

    def save(self, folder: str | Path) -> Path:
        """Saves the model for `keras_ctx.load` and the recipes.

        Args:
            folder: The folder to create; existing files of a model are
                replaced.

        Returns:
            The folder.
        """
        self._check_is_keras("save")
        return save_text_model(self._task, Path(folder))

    def as_keras_model(self) -> keras.Model:
        """Returns a Keras model whose inputs are strings.

        Returns:
            A `keras.Model` that maps `text`, for pairs also `text_pair`, or
            `question` and `context`, strings `(B,)`, to the outputs of `model`.
            The layers are shared. A text that is too long is cut.
        """
        self._check_is_keras("as_keras_model")
        return string_model(self._task)

    @property
    def _task(self) -> RunTask:
        return RunTask(
            *(str(self.task), self.model, self.text_inputs),
            *(tuple(self.labels), dict(self.settings)),
        )

    @functools.cached_property
    def _asking(self) -> Asking:
        return Asking(self._task)

    @property
    def _size(self) -> int:
        if isinstance(self.model, ServedVersion):
            return self.model.size("embedding")
        return self.model.output["embedding"].shape[-1]

    def _check_is_keras(self, name: str) -> None:
        if isinstance(self.model, ServedVersion):
            raise ValueError(
                f"`{name}` needs the Keras model, which an exported version "
                "lacks. Load the run or checkpoint that it came from. "
                f"Received: {self.model.folder}"
            )
