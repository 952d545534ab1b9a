"""The scores of a model's answers, also where a question may have none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from keras_ctx import data, evaluation, text, training
from keras_ctx.fine_tuning.scores.predicted_answers import predict_answers

Answers = list[data.QuestionAnswers]


class AnswerScorer:
    """Scores the answers of a model to development and test questions.

    Where any question has no answer, a threshold of `null_odds` decides when
    none is given; it is the one that is best on the development questions.

    Args:
        windows: Of the questions, by the name of their file: "train", "test"
            and, where there are any, "dev".
        metrics: Of the language, from `data.answer_metrics`.
        text_inputs: Of the encoder.
        batch_size: Windows at a time.
        top_k: Answers of each question that are written down.
        max_answer: Most positions of an answer.
        verbose: Whether to show a progress bar.

    Example:
        >>> from keras_ctx import models
        >>> inputs = text.ElmoInputs(max_characters=5, max_length=9)
        >>> questions = [data.SquadQuestion(
        ...     "q", "How?", "two", (data.SquadAnswer("two", 0),))]
        >>> windows = data.question_windows(
        ...     questions, inputs, training=False, max_question=3)
        >>> scorer = AnswerScorer(
        ...     {"test": windows}, data.answer_metrics("en"), inputs,
        ...     batch_size=1, verbose=False)
        >>> model = models.span_extractor(
        ...     models.elmo_encoder([(1, 8)], 16, 4, max_characters=5))
        >>> scorer.test_scores(model, Path("answers"))["f1"]
        100.0
    """

    def __init__(
        self,
        windows: Mapping[str, data.QuestionWindows],
        metrics: evaluation.AnswerMetrics,
        text_inputs: text.TextInputs,
        *,
        batch_size: int,
        top_k: int = 20,
        max_answer: int = 30,
        verbose: bool = True,
    ) -> None:
        self._windows = windows
        self._metrics = metrics
        self._text_inputs = text_inputs
        self._arguments: dict[str, Any] = {
            "batch_size": batch_size,
            "top_k": top_k,
            "max_answer": max_answer,
            "verbose": verbose,
        }
        self._may_be_null = any(
            question.is_impossible
            for made in windows.values()
            for question in made.questions
        )
        self._scored = {
            name: data.scorable(made.questions)
            for name, made in windows.items()
        }

    def development_f1(self, model: keras.Model) -> float:
        """F1 on "dev", with the threshold that is best there."""
        answers = self._answers(model, "dev")
        if self._may_be_null:
            return self._best_threshold(answers, "dev").score
        return self._scores(data.best_texts(answers), "dev")["f1"]

    def test_scores(self, model: keras.Model, folder: Path) -> dict[str, float]:
        """Write the answers to "test" into the folder, and score them.

        Without answers in the test file there is only the threshold. Of
        several workers the first one writes.
        """
        threshold, extra = None, {}
        if self._may_be_null:
            answers = self._answers(model, "dev")
            threshold = self._best_threshold(answers, "dev").threshold
            extra["threshold"] = threshold
        answers = self._answers(model, "test")
        texts = data.best_texts(answers, threshold)
        if training.is_chief():
            data.save_answers(answers, folder, threshold)
        test = self._scored["test"]
        if not test:
            return extra
        if self._may_be_null:
            # What the test questions' own best threshold would give: the
            # official script's figure, and more than one can know beforehand.
            extra["best_f1"] = self._best_threshold(answers, "test").score
        if self._metrics.formula != "SQuAD":
            by_squad = data.squad_scores(test, texts)
            extra |= {f"squad_{key}": by_squad[key] for key in ("exact", "f1")}
        return self._scores(texts, "test") | extra

    def _answers(self, model: keras.Model, name: str) -> Answers:
        return predict_answers(
            model,
            self._windows[name],
            self._text_inputs,
            null_answer=self._may_be_null,
            **self._arguments,
        )

    def _best_threshold(self, answers: Answers, name: str):
        return data.best_threshold(
            self._scored[name],
            data.best_texts(answers),
            data.null_odds(answers),
            self._metrics.f1,
        )

    def _scores(self, texts: dict[str, str], name: str) -> dict[str, float]:
        return data.squad_scores(
            self._scored[name], texts, self._metrics.exact, self._metrics.f1
        )
