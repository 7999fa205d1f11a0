"""How often the intervals of a study of readers hold the true difference: simulated studies after Roe and Metz (1997).

    PYTHONPATH=src python benchmarks/statistics/reader_coverage.py --studies 500 --seed 0

Prints, for 3, 5 and 10 readers without and with a difference of AUC, the coverage of the 95 % intervals of Obuchowski
and Rockette's analysis, of the U-statistic, and of a machine against the readers.
"""

import argparse

import numpy as np

from attnmel.evaluation.readers.inference.u_statistics import Moments, difference
from attnmel.evaluation.readers.power import machine_compared, modalities_compared
from attnmel.evaluation.readers.roe_metz import RoeMetz

READERS = (3, 5, 10)
AUCS = ((0.855, 0.855), (0.855, 0.80))
HEALTHY, DISEASED = 60, 40


def main() -> None:
    """Print one row for each cell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"{HEALTHY} healthy and {DISEASED} diseased cases, {options.studies} studies, seed {options.seed}")
    print("readers | AUCs | Obuchowski-Rockette | U-statistic | without interval | machine")
    for readers in READERS:
        for aucs in AUCS:
            print(readers, "|", *aucs, "|", *row(RoeMetz(aucs), readers, options.studies, options.seed), flush=True)


def row(model: RoeMetz, readers: int, studies: int, seed: int) -> list[str]:
    """Return the shares of intervals that hold the difference; of the U-statistic of those that are defined."""
    generator, true = np.random.default_rng(seed), model.aucs[0] - model.aucs[1]
    held = {"or": 0, "u": 0, "machine": 0}
    undefined = 0
    for _ in range(studies):
        readings = model.draw(readers, HEALTHY, DISEASED, generator)
        against = model.draw(readers, HEALTHY, DISEASED, generator, machine=True)
        u = difference(Moments(readings), 0, 1).unbiased.t
        found = {"or": modalities_compared(readings), "u": u, "machine": machine_compared(against)}
        undefined += bool(np.isnan(u.low))
        for name, one in found.items():
            held[name] += one.low <= true <= one.high
    defined = max(studies - undefined, 1)
    shares = (held["or"] / studies, held["u"] / defined, undefined / studies, held["machine"] / studies)
    return [f"{share:.3f} |" for share in shares]


if __name__ == "__main__":
    main()
