"""Everything known of one or several runs to one HTML file that opens anywhere and loads nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

import attnmel
from attnmel.data.archives.fetch import ArchiveState
from attnmel.errors import ConfigError, counted, printable
from attnmel.evaluation.classification.curves import PrecisionRecallCurve, RocCurve
from attnmel.evaluation.classification.report import ClassificationReport
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.evaluation.thesis.published import PublishedRow
from attnmel.files.folders import write_text
from attnmel.number_formats import fixed, minus, plus, span
from attnmel.report.galleries.examples import ExampleGroup
from attnmel.report.html import tables
from attnmel.report.html.sections import Section, sentence
from attnmel.saliency.overlays import legend_stops


@dataclass(frozen=True)
class Curves:
    """Both curves of one task."""

    roc: RocCurve
    precision_recall: PrecisionRecallCurve


@dataclass(frozen=True, kw_only=True)
class History:
    """What was measured after each epoch."""

    epochs: tuple[int, ...]
    losses: Mapping[str, tuple[float, ...]]
    """Unweighted parts by name; NaN where a part was not computed."""
    validation: tuple[float, ...]
    measure: str
    """Name of the validation measure, as `training.select`."""
    chosen: int | None
    """Epoch of the best checkpoint."""


@dataclass(frozen=True)
class FactGroup:
    """Settings or circumstances under one heading."""

    title: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class RunSection:
    """All that the page shows of one run; what is not given is left out of the page."""

    title: str
    name: str
    """Short and unlike the other runs', for example "isic2017/attnmel-lesion, seed 0"."""
    main: str
    """The class whose task comes first, as in the recipe's `data.positives`."""
    licence: str
    """Of the training data."""
    judgements: Mapping[str, ClassificationReport]
    """By split or external set; the first one is what the key figures, curves and examples are of."""
    known: Mapping[str, int] = field(default_factory=dict)
    """How many images of a split or set are known from training, where there are any."""
    curves: Mapping[str, Curves] = field(default_factory=dict)
    """By task."""
    history: History | None = None
    published: PublishedRow | None = None
    overlaps: Mapping[str, Interval] = field(default_factory=dict)
    """Mean Jaccard index of each attention map with the lesion masks, by the map's name."""
    overlap_images: int = 0
    examples: tuple[ExampleGroup, ...] = ()
    no_examples: str = ""
    """Why there are none."""
    sections: tuple[Section, ...] = ()
    """What goes beyond the measures, a topic each, in the order of the page."""
    command: str = ""
    circumstances: tuple[FactGroup, ...] = ()
    """Seed, versions, device, times: always in sight."""
    recipe: tuple[FactGroup, ...] = ()
    """Every setting: folded away."""
    files: tuple[ArchiveState, ...] = ()
    changes: tuple[str, ...] = ()
    """Settings that differ from the shipped recipe of this name, in words."""
    footnotes: tuple[str, ...] = ()
    """What a reader of the published row must know."""


@dataclass(frozen=True)
class _View:
    """A run with its figures drawn and its tables laid out."""

    run: RunSection
    anchor: str
    split: str
    judgement: ClassificationReport
    blocks: tuple[tables.Block, ...]
    key_figures: tuple[tables.KeyFigure, ...]
    compared: tuple[tables.Line, ...]
    overlap_lines: tuple[tables.Line, ...]
    curves: tuple[Markup, ...]
    learning: tuple[Markup, ...]
    short_files: tuple[ArchiveState, ...]


def write_report(
    path: Path,
    runs: Sequence[RunSection],
    *,
    leading: Sequence[Section] = (),
    sections: Sequence[Section] = (),
    title: str | None = None,
) -> None:
    """Write the page of one run, or of several with a table that compares them on top, followed by `sections`.

    What is `leading` comes before all runs; with it a page may have none.

    Raises:
        ConfigError: nothing to show, two runs of one name, or a run without a judgement.
    """
    if not runs and not leading:
        raise ConfigError("a report needs at least one run; name a run folder")
    _check(runs)
    every_map = tuple(dict.fromkeys(name for run in runs for name in run.overlaps))
    views = [_view(run, f"run-{number}", every_map) for number, run in enumerate(runs, 1)]
    several = len(runs) > 1
    compared = {run.name: run.curves[run.main] for run in runs if run.main in run.curves}
    write_template(
        path,
        "page.html",
        title=title or (f"{len(runs)} runs compared" if several else runs[0].title),
        views=views,
        leading=leading,
        several=several,
        comparison=_pair(compared, "all", None) if len(compared) > 1 else (),
        sections=sections,
        licences=tuple(dict.fromkeys(run.licence for run in runs)),
        legend=", ".join(legend_stops()),
    )


def _check(runs: Sequence[RunSection]) -> None:
    names = [run.name for run in runs]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"two runs are called {', '.join(doubled)}; name each run once")
    if bare := [run.name for run in runs if not run.judgements]:
        raise ConfigError(f"{bare[0]} has no measures; make them with `attnmel evaluate`")


def _view(run: RunSection, anchor: str, every_map: Sequence[str]) -> _View:
    split, judgement = next(iter(run.judgements.items()))
    published = run.published if split == tables.PUBLISHED_SPLIT else None
    return _View(
        run=run,
        anchor=anchor,
        split=split,
        judgement=judgement,
        blocks=tables.blocks(run.judgements, run.main, run.published, run.known),
        key_figures=tables.key_figures(judgement, run.main),
        compared=tables.compared_lines(judgement, run.main, published, run.overlaps, every_map),
        overlap_lines=tables.overlap_lines(run.overlaps, published),
        curves=_curves(run, judgement, anchor),
        learning=_learning(run.history, anchor) if run.history and run.history.epochs else (),
        short_files=tuple(file for file in run.files if file.status != "complete"),
    )


def _curves(run: RunSection, judgement: ClassificationReport, anchor: str) -> tuple[Markup, ...]:
    if not run.curves:
        return ()
    sensitivity = judgement.row(run.main, "sensitivity").value
    specificity = judgement.row(run.main, "specificity").value
    return _pair({tables.spaced(task): one for task, one in run.curves.items()}, anchor, (1 - specificity, sensitivity))


def _pair(curves: Mapping[str, Curves], anchor: str, point: tuple[float, float] | None) -> tuple[Markup, ...]:
    from attnmel.figures.curves import precision_recall_figure, roc_figure  # and with it matplotlib

    roc = [(f"{name}, AUC {fixed(one.roc.auc)}", one.roc) for name, one in curves.items()]
    precision_recall = [
        (f"{name}, AP {fixed(one.precision_recall.average_precision)}", one.precision_recall)
        for name, one in curves.items()
    ]
    # The figures escape their texts; Markup tells the template not to do it again.
    return (
        Markup(roc_figure(roc, name=f"{anchor}-roc", operating_point=point)),
        Markup(precision_recall_figure(precision_recall, name=f"{anchor}-pr")),
    )


def _learning(history: History, anchor: str) -> tuple[Markup, ...]:
    """Dice terms have a scale of their own, so they get a figure of their own."""
    from attnmel.figures.curves import learning_figure  # and with it matplotlib

    draw = partial(learning_figure, history.epochs, chosen=history.chosen)
    terms = {name: values for name, values in history.losses.items() if "dice" in name.lower()}
    others = {name: values for name, values in history.losses.items() if name not in terms}
    measure = tables.MEASURE_WORDS.get(history.measure, (history.measure, ""))[0]
    figures = [draw({f"{measure}, validation": history.validation}, label=measure, name=f"{anchor}-validation")]
    if others:
        figures.append(draw(others, label="training loss", name=f"{anchor}-loss"))
    if terms:
        figures.append(draw(terms, label="training loss", name=f"{anchor}-dice"))
    return tuple(map(Markup, figures))


def write_template(path: Path, template: str, **values: object) -> None:
    """Write a page of one of the templates, with the notice and the version of this program."""
    text = environment().get_template(template).render(**values, notice=attnmel.NOTICE, version=attnmel.__version__)
    write_text(path, printable(text))


def environment() -> Environment:
    """Return the templates of this package with their filters; a name that is missing is an error."""
    templates = Environment(
        loader=PackageLoader("attnmel.report.html", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "counted": counted,
        "fixed": fixed,
        "method_words": tables.interval_method_words,
        "minus": minus,
        "plus": plus,
        "sentence": sentence,
        "span": span,
        "percent": tables.css_percent,
        "spaced": tables.spaced,
    }
    return templates
