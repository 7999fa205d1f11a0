"""Make the model that comes with the program, from a finished run and the predictions of its cross-validation.

    python benchmarks/pretrained/pretrained.py RUN --folds FOLDS.csv... [--words benchmarks/pretrained/pretrained.toml]
        [--home HOME] [--out src/attnmel/pretrained/NAME]

RUN is a run of the recipe on the data set's own split. The tables of --folds (`predictions/validation.csv` of a run of
each fold) together hold a row for each training and validation image: `image`, and `probability` or `logit` of the
positive class, or of every class, by a network of the same recipe that was not trained on that image. The weights are
rounded to half floats; temperature and thresholds are chosen on the folds; the rounded network is judged on the
official test images; the ONNX file is checked against it; the card says all of that. Takes minutes.
"""

import argparse
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from attnmel.cli.terminal import Terminal
from attnmel.compute.runtime import use_threads
from attnmel.files.folders import RunFolder, home_folder
from attnmel.files.table_files import read_table, write_table
from attnmel.pipeline.pretrained.package import ship_model
from attnmel.pretrained.card import Words
from attnmel.pretrained.card_text import card_text

HERE = Path(__file__).parent
MODELS = HERE.parents[1] / "src" / "attnmel" / "pretrained"


def main() -> None:
    """Write the folder and print its card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--folds", type=Path, required=True, nargs="+")
    parser.add_argument("--words", type=Path, default=HERE / "pretrained.toml")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    use_threads()
    words = Words.model_validate(tomllib.loads(chosen.words.read_text(encoding="utf-8")))
    out = chosen.out or MODELS / words.name
    home = home_folder(chosen.home)
    with tempfile.TemporaryDirectory() as folder:
        folds = Path(folder) / "folds.csv"
        join_tables(chosen.folds, folds)
        card = ship_model(RunFolder(chosen.run), folds, words, out, home=home, progress=Terminal())
    print(card_text(card))
    print(f"\n{out}")


def join_tables(paths: Sequence[Path], joined: Path) -> None:
    """Write the rows of several tables of the same columns as one."""
    rows: list[dict[str, str]] = []
    for path in paths:
        rows += read_table(path)
    write_table(joined, tuple(rows[0]), (tuple(row.values()) for row in rows))


if __name__ == "__main__":
    main()
