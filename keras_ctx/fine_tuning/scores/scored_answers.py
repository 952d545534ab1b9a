"""Scores a model's answers, also to questions that may have no answer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from keras_ctx import data, evaluation, text, training
from keras_ctx.fine_tuning.scores.predicted_answers import predict_answers

Answers = list[data.QuestionAnswers]


class AnswerScorer:
    """Scorer of a model's answers to development and test questions.

    If any question has no answer, a threshold of `null_odds` decides when the
    model gives none. It is chosen on the development questions.

    Args:
        windows: The windows of the questions by file: "train", "test" and, if
            there is one, "dev".
        metrics: The metrics of the language, from `data.answer_metrics`.
        text_inputs: The text inputs of the encoder.
        batch_size: Windows per batch.
        top_k: Answers saved for each question.
        max_answer: Longest answer, in positions.
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
        """Returns F1 on "dev", with the best threshold there."""
        answers = self._answers(model, "dev")
        if self._may_be_null:
            return self._best_threshold(answers, "dev").score
        return self._scores(data.best_texts(answers), "dev")["f1"]

    def test_scores(self, model: keras.Model, folder: Path) -> dict[str, float]:
        """Writes the answers to "test" into the folder, and scores them.

        If the test file has no answers, only the threshold is returned. Of
        several workers, only the first writes.
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
            # With the threshold that is best on the test questions: the
            # official script's figure, which cannot be known in advance.
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
