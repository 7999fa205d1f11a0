"""A process that was forked from one with a predictor answers as it does, or opens one of its own, and ends."""

import os
import sys
from pathlib import Path

import pytest
from tests.factories import run_fresh

CODE = """
import os, signal, sys, threading
from pathlib import Path
import numpy as np
from attnmel.deploy.predictor import Predictor

model, image = Path({model!r}), np.full((60, 80, 3), 90, np.uint8)

def one(predictor):
    return predictor.predict(image).probabilities

def many(predictor):
    return next(predictor.predict_many([image])).prediction.probabilities

def ends_well(answer, predictor, leave=os._exit):
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # a process that waits for a thread of its parent would wait for ever
        print("child", answer(predictor) == expected, flush=True)
        leave(0)
    print("status", os.waitpid(child, 0)[1], flush=True)

expected = one(Predictor(model))
begun = Predictor(model)  # the network is still being compiled
ends_well(one, begun)
begun = Predictor(model)
ends_well(lambda _: one(Predictor(model)), begun)
assert one(begun) == many(begun) == expected
ends_well(one, begun)
ends_well(many, begun)
ends_well(many, begun, sys.exit)
ends_well(lambda _: expected, begun, sys.exit)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no forks")
def test_a_forked_process_answers_whatever_its_parent_has_opened_and_ends(exported: Path) -> None:
    assert hasattr(os, "fork")
    printed = run_fresh(CODE.format(model=str(exported))).split("\n")[:-1]
    assert printed == ["child True", "status 0"] * 6
