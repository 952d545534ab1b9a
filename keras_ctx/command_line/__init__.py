"""Runs a recipe as a command: help, error messages, exit status, last lines.

A recipe imports this first, before Keras: where its packages are missing, the
import says what to install.
"""

from keras_ctx.extras import EXTRAS, end_recipes_in_one_line, need

try:
    need("Recipes need", *EXTRAS["tensorflow"], *EXTRAS["recipes"])
except ModuleNotFoundError:
    end_recipes_in_one_line()
    raise

from keras_ctx.command_line.closing import closing
from keras_ctx.command_line.run_command import exit_code, run_command
from keras_ctx.command_line.shell_command import export_command

__all__ = ["closing", "exit_code", "export_command", "run_command"]
