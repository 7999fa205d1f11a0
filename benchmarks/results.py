"""Write docs/results.md from run folders: commands, what was reduced, hardware, cost, measures with intervals.

    python benchmarks/results.py --note "what a reader must know of the data" RUN... > docs/results.md

Nothing is computed here: every figure is read from what `attnmel train` and `attnmel evaluate` wrote.
"""

import argparse
import textwrap
from pathlib import Path

from attnmel.config import changes
from attnmel.evaluation.published import PUBLISHED
from attnmel.folders import RunFolder
from attnmel.pipeline.history import read_history
from attnmel.pipeline.measures import SplitJudgement, read_measures
from attnmel.pipeline.provenance import read_provenance, read_recipe

HEAD = """# Results

Real runs, each with the command that made it. Written by `python benchmarks/results.py RUN... > docs/results.md`, which
computes nothing: every figure comes from the run folder. Intervals are 95 % percentile bootstrap intervals, 2,000
resamples, stratified by class, resampled by lesion where lesions are known. Research use only; not a medical device.
"""


def measures(judged: SplitJudgement) -> list[str]:
    """Return the table of one judged split."""
    lines = ["| task | measure | value | 95 % interval |", "| --- | --- | --- | --- |"]
    return lines + [f"| {task} | {measure} | {value} | {span} |" for task, measure, value, span in judged.table()]


def section(run: RunFolder) -> list[str]:
    """Return everything known of one run."""
    recipe, provenance, history = read_recipe(run), read_provenance(run), read_history(run.history)
    data = provenance["data"]
    splits = data["splits"].items()
    short = [f"{s['name']}: {s['found']} of {s['expected']}" for s in data["archives"] if s["status"] != "complete"]
    hours = sum(row.seconds for row in history) / 3600
    lines = [
        f"## {recipe.title} on {data['title']}, seed {provenance['seed']}",
        "",
        "```sh",
        provenance["command"],
        "```",
        "",
        f"* Changed from the recipe `{recipe.name}`: {'; '.join(changes(recipe)) or 'nothing'}.",
        *(f"* {split}: {', '.join(f'{count} {name}' for name, count in held.items())}." for split, held in splits),
        f"* Short of the official archive: {'; '.join(short) or 'nothing'}. Licence {data['licence']}; content "
        f"`{data['content'][:16]}`.",
        f"* Cost: {len(history)} epochs, {hours:.2f} hours on {provenance['device']}, {provenance['precision']}; "
        f"torch {provenance['versions']['torch']}, attnmel {provenance['versions']['attnmel']}.",
    ]
    if recipe.published:
        row = PUBLISHED[recipe.published]
        overlap = "".join(f", {name} Jaccard {value}" for name, value in (row.overlap or {}).items())
        lines.append(f"* Published (whole recipe, ImageNet start, one run): AP {row.ap}, AUC {row.auc}{overlap}.")
    for name, judged in sorted(read_measures(run).items()):
        lines += ["", f"### {name}: {judged.sentence}", "", *measures(judged)]
    return [*lines, ""]


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--note", default="")
    parser.add_argument("runs", nargs="+", type=Path)
    chosen = parser.parse_args()
    print(HEAD)
    if chosen.note:
        print(textwrap.fill(chosen.note, 120) + "\n")
    print("\n".join(line for path in chosen.runs for line in section(RunFolder(path))).rstrip())


if __name__ == "__main__":
    main()
