"""Other people's weights into our models and back: tables of names."""

from keras_ctx.convert.elmo_load import load_elmo, load_elmo_language_model
from keras_ctx.convert.elmo_save import save_elmo

__all__ = ["load_elmo", "load_elmo_language_model", "save_elmo"]
