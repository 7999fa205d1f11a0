"""Subgroups to a section of the page: words and rounding only."""

from attnmel.evaluation.statistics.format import stacked
from attnmel.evaluation.subgroups import SHOWN, Subgroup, Subgroups
from attnmel.figures.subgroups import forest_figure
from attnmel.report.html.sections import Drawing, Section, Table
from attnmel.report.html.tables import MEASURE_WORDS, spaced
from attnmel.report.sections.group_tables import group_name, group_notes, group_tables

ATTRIBUTE_WORDS = {
    "age": "Age in years",
    "sex": "Sex",
    "site": "Place on the body",
    "confirmation": "Diagnosis confirmed by",
    "source": "Source of the image",
}


def subgroups_section(found: Subgroups, *, anchor: str) -> Section | None:
    """Return the section; None where no attribute parts the images."""
    if not found.groups:
        return None
    name = spaced(found.task)
    counts = f"Next to each group: number of {name} and of images."
    drawn = [
        Drawing(forest_figure(found, measure, label=label, name=f"{anchor}-{measure}-groups"), caption)
        for measure, label, caption in (("auc", "AUC", counts), ("sensitivity", "sensitivity at 0.5", ""))
    ]
    return Section(
        name="subgroups",
        title="Subgroups",
        prose=f"Each group is evaluated by itself, {name} against the rest. Groups differ in how hard their lesions "
        "are, not only in how well the network does; with so many groups, some look different by chance.",
        figures=tuple(drawn),
        more=(_table(found), *group_tables(found)),
        notes=_notes(found),
    )


def _table(found: Subgroups) -> Table:
    partial = ("Partial AUC",) if found.everyone.figures else ()
    heads = ("Group", "Images", spaced(found.task), *(MEASURE_WORDS[measure][0] for measure in SHOWN), *partial)
    return Table("Every group. An asterisk marks small ones.", heads, tuple(map(_row, (found.everyone, *found.groups))))


def _row(one: Subgroup) -> tuple[str, ...]:
    partial = (stacked(one.figures.partial_share),) if one.figures else ()
    counts = (f"{one.images:,}", f"{one.positives:,}")
    return group_name(one), *counts, *(stacked(getattr(one, measure)) for measure in SHOWN), *partial


def _notes(found: Subgroups) -> tuple[str, ...]:
    notes = []
    if any(one.few for one in found.groups):
        notes.append(
            "Hollow, or with an asterisk: fewer than ten images on a side. Their intervals are too narrow and their "
            "figures say little; without any image on a side there is no AUC."
        )
    notes += [f"{ATTRIBUTE_WORDS[attribute]}: {group} for all images." for attribute, group in found.alike.items()]
    notes.append("Sensitivity and specificity at 0.5. 95 % intervals by the same methods as those of the measures.")
    return (*notes, *group_notes(found))
