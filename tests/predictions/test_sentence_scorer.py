"""The scorer of sentences refuses a folder without a language model."""

import pytest

from keras_ctx.predictions.sentence_scorer import SentenceScorer


def test_a_folder_without_a_language_model_is_refused(tmp_path):
    (tmp_path / "encoder.keras").touch()  # as in a run of pretrain_bert.py
    message = "must hold a language model.*pretrain_elmo.py.*language_model"
    with pytest.raises(ValueError, match=message):
        SentenceScorer(tmp_path)
