"""A confusion matrix as a picture."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_ctx.extras import need
from keras_ctx.files.whole_file import whole_file

# More numbers cannot be read.
_MOST_NUMBERS = 30
_MOST_NAMES = 80


def save_confusion(
    matrix: np.ndarray, labels: Sequence[str], path: str | Path
) -> bool:
    """Draws how often each class was taken for each; needs `matplotlib`.

    Args:
        matrix: int `(K, K)`, as `confusion_matrix` gives it: a row for each
            true class, which is shaded by shares of that class.
        labels: The K classes.
        path: Of the picture, such as `confusion.png`.

    Returns:
        Whether the labels stand in the picture. Where no font of this machine
        has their characters, it numbers the classes from 0.

    Raises:
        ModuleNotFoundError: `matplotlib` is not installed.

    Example:
        >>> save_confusion(np.array([[3, 1], [0, 2]]), ["no", "yes"], "a.png")
        True
    """
    need("Pictures need", "matplotlib")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # A label may be long, and is text, never a formula between dollars.
    shown = [
        label if len(label) <= 24 else f"{label[:23]}…" for label in labels
    ]
    shown = [label.replace("$", r"\$") for label in shown]
    fonts = _fonts("".join(shown))
    if fonts is None:
        shown = [str(number) for number in range(len(labels))]
    shares = matrix / np.maximum(matrix.sum(-1, keepdims=True), 1)
    size = 3 + min(0.35 * len(labels), 17)
    # Not by pyplot, which would keep the figure and ask for a display.
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
    """Fonts that have all the characters together; none of them: None."""
    from matplotlib import font_manager

    missing = set(map(ord, text))
    found = ["DejaVu Sans"]
    missing -= _characters(font_manager.findfont("DejaVu Sans"))
    for font in font_manager.fontManager.ttflist:
        if not missing:
            break
        # The last resort draws an empty box for each character that there is.
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
