# The public names as editors and type checkers see them; `__init__.py` loads them when they are first used.
from attnmel import datasets, errors, segment, statistics, study
from attnmel.api.exporting import export, pull, push
from attnmel.api.maps import explain, explain_split
from attnmel.api.prediction import predict
from attnmel.api.results import compare, evaluate, fuse, recalibrate, score, write_report
from attnmel.api.tables import reproduce
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
    "errors",
    "evaluate",
    "explain",
    "explain_split",
    "export",
    "fuse",
    "predict",
    "pull",
    "push",
    "recalibrate",
    "register_network",
    "reproduce",
    "score",
    "segment",
    "statistics",
    "study",
    "train",
    "write_report",
]

__version__: str
NOTICE: str
