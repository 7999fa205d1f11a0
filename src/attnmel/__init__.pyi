# The public names as editors and type checkers see them; `__init__.py` loads them when they are first used.
from attnmel import datasets, statistics
from attnmel.api.maps import explain, explain_split
from attnmel.api.results import compare, evaluate, fuse, score
from attnmel.api.training import train
from attnmel.config.recipe import Recipe
from attnmel.deploy.predictor import Predictor
from attnmel.models.own_network import register_network
from attnmel.pipeline.run.run import Run

__all__ = [
    "NOTICE",
    "Predictor",
    "Recipe",
    "Run",
    "__version__",
    "compare",
    "datasets",
    "evaluate",
    "explain",
    "explain_split",
    "fuse",
    "register_network",
    "score",
    "statistics",
    "train",
]

__version__: str
NOTICE: str
