"""How Sphinx builds the site: `make docs`."""

import importlib
import re

from sphinx.util import inspect

import keras_ctx

project = "keras_ctx"
author = "The keras_ctx authors"
copyright = "The keras_ctx authors, Apache-2.0"
release = keras_ctx.__version__
version = release

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"keras_ctx {release}"
html_show_sphinx = False
html_copy_source = False

myst_enable_extensions = ["colon_fence"]
# Links to a heading of a page, such as `install.md#extras`.
myst_heading_anchors = 3
# A fence without a language holds a command, or what a program prints.
highlight_language = "none"

# Between single backquotes our docstrings have code.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
# `call` and `get_config` are Keras's; ours are documented by the class.
autodoc_inherit_docstrings = False
maximum_signature_line_length = 72
toc_object_entries_show_parents = "hide"
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = [
    ("Call arguments", "params_style"),
    "Masking",
    "Source",
    "Differs",
]

nitpicky = True
# Types of Keras, TensorFlow and NumPy: links to them would need the network.
nitpick_ignore_regex = [("py:.*", ".*")]


def list_public_names(app, docname: str, source: list[str]) -> None:
    """Puts the names of a package's `__all__` where its page says NAMES."""
    if docname.startswith("api/") and "NAMES" in source[0]:
        package = docname.removeprefix("api/")
        names = importlib.import_module(f"keras_ctx.{package}").__all__
        source[0] = source[0].replace("NAMES", "\n   ".join(names))


def own_signature(app, what, name, obj, options, signature, returns):
    """Returns a signature that can be read.

    A layer's arguments are those of its `__init__`, which Keras hides behind
    its own `__new__`; a default that is a function has its name.
    """
    if what == "class" and signature == "(*args, **kwargs)":
        found = inspect.signature(obj.__init__, bound_method=True)
        signature = inspect.stringify_signature(
            found, unqualified_typehints=True
        )
        return signature, None
    if signature and "<function " in signature:
        return re.sub(r"<function (\w+)>", r"\1", signature), returns
    return None


def end_code(app, what, name, obj, options, lines: list[str]) -> None:
    """Lets a letter follow code, as in several `AddedToken`s."""
    text = re.sub(r"(`[^`]+`)(\w?)", _ended, "\n".join(lines))
    lines[:] = text.split("\n")


def _ended(code: re.Match[str]) -> str:
    return f"{code[1]}\\ {code[2]}" if code[2] else code[1]


_plain: dict[str, list[str]] = {}


def keep_plain(app, what, name, obj, options, lines: list[str]) -> None:
    """Remembers the sentence under an attribute, before Napoleon reads it."""
    if what == "attribute":
        _plain[name] = list(lines)


def put_back(app, what, name, obj, options, lines: list[str]) -> None:
    """Napoleon takes what stands before a colon there for a type."""
    lines[:] = _plain.pop(name, lines)


def setup(app) -> None:
    app.connect("source-read", list_public_names)
    app.connect("autodoc-process-signature", own_signature)
    app.connect("autodoc-process-docstring", end_code, priority=300)
    app.connect("autodoc-process-docstring", keep_plain, priority=400)
    app.connect("autodoc-process-docstring", put_back, priority=600)
