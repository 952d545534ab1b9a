"""Small versions of every form of ELMo that options can describe."""

from dataclasses import replace

from parity.elmo_numpy import Options

CHAR_DIM = 4
LENGTH = 9
BASE = Options(
    filters=[(1, 4), (2, 5), (4, 6)],
    dim=12,
    projection_dim=5,
    cell_clip=1.2,
    proj_clip=0.8,
)
VARIANTS = {
    "published form": BASE,
    "tanh": replace(BASE, activation="tanh"),
    "one highway": replace(BASE, n_highway=1),
    "no highway": replace(BASE, n_highway=0),
    "no projection of words": replace(BASE, projection_dim=15, dim=16),
    "no projection of states": replace(BASE, dim=5),
    "neither projection": replace(BASE, projection_dim=15, dim=15),
    "no residual": replace(BASE, use_skip_connections=False),
    "no clips": replace(BASE, cell_clip=None, proj_clip=None),
    "cell clip only": replace(BASE, proj_clip=None),
    "one layer": replace(BASE, n_layers=1),
    "one layer, no projection": replace(BASE, n_layers=1, dim=5),
    "three layers": replace(BASE, n_layers=3),
}
