"""Readings as studies write them: a sequential study with a machine, repeats and times, and odd but valid files."""

import csv
import io
from pathlib import Path

import numpy as np

READERS = {"ana": "resident", "ben": "resident", "eva": "expert", "kim": "expert", "łukasz": "expert"}
ARMS = ("alone", "with machine")


def write_sequential(path: Path, *, cases: int = 60, seed: int = 0, separator: str = ",", comma: bool = False) -> Path:
    """Write a study in which each reader answers alone, then sees the machine and answers again.

    Each reader moves two fifths of the way to the machine's answer; residents three fifths.
    """
    generator = np.random.default_rng(seed)
    diseased = np.arange(cases) % 5 < 2
    signal = generator.normal(size=cases) + 1.3 * diseased - 0.6
    machine = _suspicion(signal + 0.7 * generator.normal(size=cases))
    rows: list[tuple[object, ...]] = [
        ("Reader", "Image", "Arm", "Suspicion", "Truth", "Repeat", "Experience", "Seconds_active")
    ]
    rows += [("network", f"case-{n}", "machine", score, int(diseased[n]), 0, "", "") for n, score in enumerate(machine)]
    for reader, level in READERS.items():
        noise = 1.1 if level == "resident" else 0.8
        alone = _suspicion(signal + noise * generator.normal(size=cases))
        weight = 0.6 if level == "resident" else 0.4
        for arm, scores in zip(ARMS, (alone, (1 - weight) * alone + weight * machine), strict=True):
            for n, score in enumerate(scores):
                seconds = round(float(generator.gamma(6, 2.5 if arm == "alone" else 1.6)), 1)
                rows.append((reader, f"case-{n}", arm, score, int(diseased[n]), 0, level, seconds))
        again = np.clip(alone[:8] + generator.normal(size=8) * 7, 0, 100)
        rows += [(reader, f"case-{n}", "alone", score, int(diseased[n]), 1, level, "") for n, score in enumerate(again)]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerow(rows[0])
    for row in rows[1:]:
        cells = [f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in row]
        writer.writerow([cell.replace(".", ",") if comma else cell for cell in cells])
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def _suspicion(signal: np.ndarray) -> np.ndarray:
    return np.clip(50 + 20 * signal, 0, 100)


def write_imrmc_variants(folder: Path) -> dict[str, Path]:
    """Write the same six readings in ways that the .imrmc format allows; AUC 0.75 with m, of reader 1."""
    truth = ["truth,a,truth,0", "truth,b,truth,0", "truth,c,truth,1", "truth,d,truth,1"]
    readings = ["1,a,m,1", "1,b,m,3", "1,c,m,2", "1,d,m,4", "2,a,m,0.5", "2,d,m,1e1"]
    head = ["A study", "N0:2", "N1:2", "NR:2", "NM:1", "BEGIN DATA:"]
    kinds = {
        "plain": ["BEGIN DATA:", *truth, *readings],
        "rjafroc": [*head, *(line.replace("truth,", "-1,", 1) for line in truth), *readings],
        "shuffled": ["Begin data:", *readings[::-1], "", *truth[::-1]],
        "spaces": ["some; text, with commas", "BEGIN DATA: ", *(line.replace(",", " , ") for line in truth), *readings],
    }
    found = {}
    for name, lines in kinds.items():
        end = "\r\n" if name == "rjafroc" else "\n"
        found[name] = folder / f"{name}.{'csv' if name == 'plain' else 'imrmc'}"
        found[name].write_bytes((end.join(lines) + end).encode("utf-8-sig" if name == "spaces" else "utf-8"))
    return found
