"""A recipe as a command: its help, how it ends, and what it says then."""

from keras_ctx.command_line.closing import closing
from keras_ctx.command_line.run_command import exit_code, run_command
from keras_ctx.command_line.shell_command import export_command

__all__ = ["closing", "exit_code", "export_command", "run_command"]
