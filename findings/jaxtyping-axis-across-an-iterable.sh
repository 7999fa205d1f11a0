#!/usr/bin/env bash
# A named axis within list[...] or Iterable[...] binds across the items, and the refusal comes by chance, at the return.
#
# What happens. jaxtyping 0.3.11 with beartype 0.23.1: a function takes `list[Float[ndarray, "B 3 s s"]]` and gets
# batches of 2 images and of 1, as a data loader gives them when the last batch is short.
#   * beartype looks at one item of a list, drawn at random at each check. jaxtyping checks the arguments before the
#     call, and again after it, with the returned value, where the function has a return annotation. Both checks share
#     the sizes of the axes. So when the two draws meet batches of different sizes, the call is refused: half the calls
#     for two batches of different sizes, about 18 of 100 for nine of 2 and one of 1 (2 * .9 * .1).
#   * The error says that the return value is wrong, although a correct int was returned, and comes after the function
#     has run.
#   * Without a return annotation the same call is never refused: one draw sees one size.
#   * Iterable[A] (of a list) and tuple[A, ...] behave as list[A] does. Not so tuple[A, A], of which beartype checks
#     every item: it is refused each time.
#   * With `_` for the axis ("_ 3 s s") each item may have its own size, and no call is refused.
#
# From: jaxtyping, _decorator.py (a check of the parameters, then one of parameters and return value in one scope), and
# beartype's documented constant-time strategy (BeartypeStrategy.O1: one random item of a container for each call).
#
# Why it matters here. Measures over a test set of lesions take batches as an iterable, and the last one is short. Shape
# checks in the test run then fail now and then, on correct code, with an error that points at the wrong value; the
# more batches, the rarer. An axis that differs between items has to be `_`, and a rare failure is not noise to rerun.
#
# Exit status: 0 as described, 1 something else was seen, 2 the packages could not be installed.
set -euo pipefail
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m pip install --quiet --disable-pip-version-check --target "$place/packages" \
    jaxtyping==0.3.11 beartype==0.23.1 numpy==2.4.6 >&2 || exit 2

PYTHONPATH="$place/packages" "$python" - <<'PYTHON'
import sys
from collections.abc import Iterable
from importlib.metadata import version

import numpy as np
from beartype import beartype
from jaxtyping import Float, TypeCheckError, jaxtyped

CALLS = 1000
Named = Float[np.ndarray, "B 3 s s"]
Free = Float[np.ndarray, "_ 3 s s"]


@jaxtyped(typechecker=beartype)
def of_list(batches: list[Named]) -> int:
    return sum(len(batch) for batch in batches)


@jaxtyped(typechecker=beartype)
def of_iterable(batches: Iterable[Named]) -> int:
    return sum(len(batch) for batch in batches)


@jaxtyped(typechecker=beartype)
def of_tuple(batches: tuple[Named, ...]) -> int:
    return sum(len(batch) for batch in batches)


@jaxtyped(typechecker=beartype)
def of_pair(batches: tuple[Named, Named]) -> int:
    return sum(len(batch) for batch in batches)


@jaxtyped(typechecker=beartype)
def without_return(batches: list[Named]):
    return sum(len(batch) for batch in batches)


@jaxtyped(typechecker=beartype)
def free(batches: list[Free]) -> int:
    return sum(len(batch) for batch in batches)


errors = []


def refused(function, batches):
    """Count refused calls, and keep the last error's text."""
    count = 0
    for _ in range(CALLS):
        try:
            function(batches)
        except TypeCheckError as error:
            errors.append(str(error))
            count += 1
    return count


def batches(*sizes):
    return [np.zeros((size, 3, 4, 4), np.float32) for size in sizes]


uneven, even, last_short = batches(2, 1), batches(2, 2), batches(*[2] * 9, 1)
seen = {
    "list of 2 and 1": refused(of_list, uneven),
    "list of nine 2 and one 1": refused(of_list, last_short),
    "iterable": refused(of_iterable, uneven),
    "tuple of any length": refused(of_tuple, tuple(uneven)),
}
blamed = sum("whilst checking the return value" in text for text in errors) == len(errors)
sure = {
    "pair": refused(of_pair, tuple(uneven)),
    "equal sizes": refused(of_list, even),
    "no return annotation": refused(without_return, uneven),
    "axis _": refused(free, uneven),
}

print("versions:", ", ".join(f"{name} {version(name)}" for name in ("jaxtyping", "beartype", "numpy")))
print("guessed: each item has its own B, so that all calls pass; or B is common to all, so that all calls are refused")
counts = ", ".join(f"{name} {count}" for name, count in {**seen, **sure}.items())
print(f"seen: refused of {CALLS} calls: {counts}; every error by chance says 'the return value': {blamed}")
by_chance = all(0 < count < CALLS for count in seen.values()) and blamed
rarer = seen["list of nine 2 and one 1"] < seen["list of 2 and 1"]
certain = list(sure.values()) == [CALLS, 0, 0, 0]
sys.exit(0 if by_chance and rarer and certain else 1)
PYTHON
