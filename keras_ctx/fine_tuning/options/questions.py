"""The options of a recipe that learns to answer questions."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from keras_ctx import data, text
from keras_ctx.fine_tuning.options.question_files import read_question_files
from keras_ctx.fine_tuning.options.shared import FineTuningOptions
from keras_ctx.fine_tuning.options.text_inputs import load_text_inputs

# Positions of a row in the published runs; longer ones cost more time.
MAX_LENGTH = 384


@dataclass(frozen=True, kw_only=True)
class QuestionOptions(FineTuningOptions):
    """Options for questions: which are held out, and how contexts are cut.

    Raises:
        ValueError: As of `FineTuningOptions`, or a `language` that is none.

    Example:
        >>> QuestionOptions(train=Path("a.json"), output=Path("one")).stride
        128
    """

    train: Path = field()
    """Questions to learn from."""
    dev: Path | None = None
    """Questions to choose the best epoch by, and the threshold above which
    no answer is given. Left out: the last epoch; and for the threshold, where
    one is needed, `dev_articles` of the articles of `train`."""
    test: Path | None = None
    """Questions to score on; left out: `split_articles` of `train`."""
    empty_answers: Literal["impossible", "skip"] | None = None
    """What an empty list of answers means, where a file does not tell: the
    text has none, or they are not known."""
    language: str | None = None
    """Of the questions, such as en, zh or de; left out: zh or not, by their
    letters. It chooses the formula of the scores."""
    split_articles: float = 0.2
    """Share of the articles of `train` that are held out to be tested on."""
    dev_articles: float = 0.1
    """Share of the articles of `train` that are held out for `dev`."""
    split_seed: int = 0
    """Of the choice of these articles."""
    max_length: int | None = None
    """Positions of a row, with question and window of the context; left out:
    all of the encoder's, at most 384."""
    stride: int = 128
    """Most positions from one window of a context to the next; fewer where
    windows are short, so that no answer is cut by all of them."""
    max_question: int = 64
    """Longer questions are cut, in positions."""
    max_answer: int = 30
    """Most positions of an answer that is given."""
    top_k: int = 20
    """Answers of each question that are written down."""

    def __post_init__(self):
        super().__post_init__()
        if self.language is not None:
            data.answer_metrics(self.language)

    def load_text_inputs(self) -> text.TextInputs:
        """The encoder's, with rows that it has positions for."""
        inputs = load_text_inputs(self.init, self.max_length, MAX_LENGTH)
        data.check_window_sizes(inputs, self.max_question, self.max_answer)
        return inputs

    def read(self) -> dict[str, list[data.SquadQuestion]]:
        """The questions of all files: see `read_question_files`."""
        return read_question_files(
            self.train,
            self.dev,
            self.test,
            empty_answers=self.empty_answers,
            test_articles=self.split_articles,
            dev_articles=self.dev_articles,
            seed=self.split_seed,
        )
