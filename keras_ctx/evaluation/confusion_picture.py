"""Draws a confusion matrix."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_ctx.extras import need
from keras_ctx.files.whole_file import whole_file

# More numbers or names would be illegible.
_MOST_NUMBERS = 30
_MOST_NAMES = 80


def save_confusion(
    matrix: np.ndarray, labels: Sequence[str], path: str | Path
) -> bool:
    """Draws a confusion matrix and saves the picture; needs `matplotlib`.

    Args:
        matrix: Integers `(K, K)`, as `confusion_matrix` returns them: a row
            for each true class, shaded by shares of that class.
        labels: The K classes.
        path: Path of the picture, such as `confusion.png`.

    Returns:
        Whether the picture shows the labels. If no font of this machine has
        their characters, it numbers the classes from 0 instead.

    Raises:
        ModuleNotFoundError: `matplotlib` is not installed.

    Example:
        >>> save_confusion(np.array([[3, 1], [0, 2]]), ["no", "yes"], "a.png")
        True
    """
    need("Pictures need", "matplotlib")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # A label may be long; dollars in it do not enclose a formula.
    shown = [
        label if len(label) <= 24 else f"{label[:23]}…" for label in labels
    ]
    shown = [label.replace("$", r"\$") for label in shown]
    fonts = _fonts("".join(shown))
    if fonts is None:
        shown = [str(number) for number in range(len(labels))]
    shares = matrix / np.maximum(matrix.sum(-1, keepdims=True), 1)
    size = 3 + min(0.35 * len(labels), 17)
    # Not with pyplot, which would keep the figure and need a display.
    figure = Figure(figsize=(size + 1, size), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="share of the true class")
    if len(labels) <= _MOST_NUMBERS:
        for row, column in np.ndindex(matrix.shape):
            color = "white" if shares[row, column] > 0.5 else "black"
            text = str(matrix[row, column])
            axes.text(column, row, text, ha="center", va="center", color=color)
    if len(labels) <= _MOST_NAMES:
        places = range(len(labels))
        axes.set_xticks(places, shown, rotation=90, family=fonts)
        axes.set_yticks(places, shown, family=fonts)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=120)
    return fonts is not None


def _fonts(text: str) -> list[str] | None:
    """Returns fonts that together have all characters, or `None`."""
    from matplotlib import font_manager

    missing = set(map(ord, text))
    found = ["DejaVu Sans"]
    missing -= _characters(font_manager.findfont("DejaVu Sans"))
    for font in font_manager.fontManager.ttflist:
        if not missing:
            break
        # "Last Resort" draws an empty box for every character.
        if font.name in found or font.name.startswith("Last Resort"):
            continue
        has = missing & _characters(font.fname)
        if has:
            found.append(font.name)
            missing -= has
    return None if missing else found


def _characters(path: str) -> set[int]:
    from matplotlib import font_manager

    try:
        return set(font_manager.get_font(path).get_charmap())
    except (OSError, RuntimeError):  # a damaged file of a font
        return set()
