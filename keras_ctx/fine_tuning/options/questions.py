"""The options of a question-answering recipe."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from keras_ctx import data, text
from keras_ctx.fine_tuning.options.question_files import read_question_files
from keras_ctx.fine_tuning.options.shared import FineTuningOptions
from keras_ctx.fine_tuning.options.text_inputs import load_text_inputs

# Positions per window in the published runs; more take longer.
MAX_LENGTH = 384


@dataclass(frozen=True, kw_only=True)
class QuestionOptions(FineTuningOptions):
    """Options for questions: which to hold out, and how to split contexts.

    Raises:
        ValueError: See `FineTuningOptions`; or an unknown `language`.

    Example:
        >>> QuestionOptions(train=Path("a.json"), output=Path("one")).stride
        128
    """

    train: Path = field()
    """Questions to learn from."""
    dev: Path | None = None
    """Questions to choose the best epoch, and the threshold above which no
    answer is given. If not given: the last epoch; a threshold, if needed, is
    chosen on `dev_articles` of the articles of `train`."""
    test: Path | None = None
    """Questions to score on. If not given: `split_articles` of `train`."""
    empty_answers: Literal["impossible", "skip"] | None = None
    """What an empty list of answers means if the file does not say: the text
    has no answer (impossible), or the answer is unknown (skip)."""
    language: str | None = None
    """Language of the questions, such as en, zh or de; it selects the formula
    of the scores. If not given: zh if the letters are Chinese."""
    split_articles: float = 0.2
    """Share of the articles of `train` held out for `test`."""
    dev_articles: float = 0.1
    """Share of the articles of `train` held out for `dev`."""
    split_seed: int = 0
    """Seed for choosing these articles."""
    max_length: int | None = None
    """Positions of question and context window together. If not given: as many
    as the encoder takes, at most 384."""
    stride: int = 128
    """Largest step from one window of a context to the next, in positions;
    smaller for short windows, so that no answer is cut in all of them."""
    max_question: int = 64
    """Longest question, in positions; longer ones are cut."""
    max_answer: int = 30
    """Longest answer, in positions."""
    top_k: int = 20
    """Answers saved for each question."""

    def __post_init__(self):
        super().__post_init__()
        if self.language is not None:
            data.answer_metrics(self.language)

    def load_text_inputs(self) -> text.TextInputs:
        """Loads the encoder's text inputs, with a length that it takes."""
        inputs = load_text_inputs(self.init, self.max_length, MAX_LENGTH)
        data.check_window_sizes(inputs, self.max_question, self.max_answer)
        return inputs

    def read(self) -> dict[str, list[data.SquadQuestion]]:
        """Reads the questions of all files; see `read_question_files`."""
        return read_question_files(
            self.train,
            self.dev,
            self.test,
            empty_answers=self.empty_answers,
            test_articles=self.split_articles,
            dev_articles=self.dev_articles,
            seed=self.split_seed,
        )
