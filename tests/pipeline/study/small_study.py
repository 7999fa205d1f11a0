"""A small study on coloured squares, made in a moment; its truth is known."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from attnmel.pipeline.study.new_study import NewStudy, make_study
from attnmel.pipeline.study.open_study import open_study as open_study
from attnmel.pipeline.study.study_file import Study

READERS = ("ana", "ben=resident", "eve")


def write_folder(folder: Path, cases: int = 12) -> Path:
    """Write images with labels.csv, every second one a melanoma."""
    folder.mkdir(parents=True)
    rows = ["image,label"]
    for number in range(cases):
        Image.new("RGB", (24, 20), (90 + number % 100, 60, 50)).save(folder / f"SECRET_{number:03d}.png")
        rows.append(f"SECRET_{number:03d}.png,{'melanoma' if number % 2 else 'nevus'}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


def write_machine(path: Path, cases: int = 12, wrong: Sequence[int] = ()) -> Path:
    """Write the predictions of a machine that is right but for some cases."""
    right = [(number % 2 == 1) != (number in wrong) for number in range(cases)]
    rows = [
        f"SECRET_{number:03d},{0.7 + number / 1000 if one else 0.2 + number / 1000}" for number, one in enumerate(right)
    ]
    path.write_text("\n".join(["image,probability", *rows]) + "\n")
    return path


def small_study(
    place: Path, cases: int = 12, count: int = 4, *, database: str | None = None, **options: object
) -> tuple[Path, Study, dict[str, str]]:
    """Make a study of `count` cases of each class; return its folder, itself and the readers' tokens."""
    design = options.get("design", "sequential")
    plan = {
        "dataset": str(write_folder(place / "images", cases)),
        "counts": {"melanoma": count, "nevus": count},
        "readers": READERS,
        "machines": () if design == "alone" else [f"net={write_machine(place / 'net.csv', cases)}"],
        "training": 1,
        "repeats": 1,
        **options,
    }
    made = NewStudy(**plan)  # pyright: ignore[reportArgumentType]
    study, tokens = make_study(place / "study", made, place, database=database)
    return place / "study", study, tokens
