import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from tests.factories import two_class_predictions

from attnmel import NOTICE
from attnmel.data.archives.fetch import ArchiveState
from attnmel.errors import ConfigError
from attnmel.evaluation.classification.curves import precision_recall_curve, roc_curve
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.evaluation.thesis.published import FOOTNOTES, PUBLISHED
from attnmel.records import Predictions
from attnmel.report.galleries.examples import ShownMap, choose, chosen_rows, pictured
from attnmel.report.html.page import Curves, FactGroup, History, RunSection, write_report

VOID = {"meta", "link", "img", "br", "input", "hr"}


class Page(HTMLParser):
    """Every element with its attributes; fails where elements are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and that it is open."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that closes itself."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep what a reader sees."""
        if "style" not in self._open:
            self.words.append(data)

    @property
    def text(self) -> str:
        """All words of the page, single-spaced."""
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


def predictions(count: int = 120) -> Predictions:
    generator = np.random.default_rng(0)
    labels = (np.arange(count) % 3 == 0).astype(np.int64)
    share = 1 / (1 + np.exp(-(generator.normal(0, 1.5, count) + 1.8 * labels - 0.9)))
    return two_class_predictions(labels, share)


@cache
def bare_run() -> RunSection:
    judgement = evaluate_classification(predictions(), ["melanoma"], resamples=50)
    return RunSection(
        title="AttnMel-CNN-Lesion", name="bare", main="melanoma", licence="CC-0", judgements={"test": judgement}
    )


@cache
def whole_run() -> RunSection:
    side = 224
    predicted = predictions()
    choices = choose(predicted, "melanoma")
    count = len(chosen_rows(choices))
    generator = np.random.default_rng(1)
    rows, columns = np.mgrid[:side, :side]
    shade = 160 + 40 * np.sin(rows / 9) + 20 * np.cos(columns / 5)
    images = (shade[None, :, :, None] + generator.normal(0, 6, (count, side, side, 3))).clip(0, 255).astype(np.uint8)
    masks = np.zeros((count, side, side), np.uint8)
    masks[:, side // 4 : side // 2, side // 4 : side // 2] = 255
    maps = [
        ShownMap(f"pool-{n}", generator.random((count, 28, 28), dtype=np.float32), np.full(count, 0.4)) for n in (3, 4)
    ]
    return dataclasses.replace(
        bare_run(),
        name="isic2017/attnmel-lesion, seed 0",
        judgements={
            **bare_run().judgements,
            "validation": evaluate_classification(predictions(60), ["melanoma"], resamples=50),
        },
        curves={"melanoma": Curves(roc_curve(predicted, "melanoma"), precision_recall_curve(predicted, "melanoma"))},
        history=History(
            epochs=(1, 2),
            losses={"focal": (0.2, 0.1), "Dice, pool-3": (0.5, 0.4)},
            validation=(0.6, 0.7),
            measure="auc",
            chosen=2,
        ),
        published=PUBLISHED["isic2017/AttnMel-CNN-Lesion"],
        overlaps={"pool3": Interval(0.55, 0.5, 0.6)},
        overlap_images=119,
        examples=pictured(
            choices, predicted, "melanoma", images=images, masks=masks, has_mask=np.ones(count, bool), maps=maps
        ),
        command="attnmel train isic2017/attnmel-lesion",
        circumstances=(FactGroup("training", (("seed", "0"), ("device", "two cores"))),),
        recipe=(FactGroup("loss", (("prior", "lesion"),)),),
        files=(
            ArchiveState("Training_Data.zip", "", 1, "0a1b2c", 1000, 2000, "short"),
            ArchiveState("Part2.zip", "", 0, "", 0, 2000, "absent"),
            ArchiveState("Test.zip", "", 1, "3d4e5f", 600, 600, "complete"),
        ),
        footnotes=FOOTNOTES["isic2017"],
    )


def report_page(runs: Sequence[RunSection]) -> str:
    with TemporaryDirectory() as folder:
        write_report(Path(folder) / "page.html", runs)
        return (Path(folder) / "page.html").read_text(encoding="utf-8")


def named(run: RunSection, name: str) -> RunSection:
    return dataclasses.replace(run, name=name)


@pytest.fixture(scope="module", params=["bare", "whole", "several"])
def text(request: pytest.FixtureRequest) -> str:
    if request.param == "several":
        return report_page([named(whole_run(), "one"), bare_run(), named(whole_run(), "three")])
    return report_page([bare_run() if request.param == "bare" else whole_run()])


def test_the_page_asks_nobody_for_anything(text: str) -> None:
    page = Page(text)
    addresses = [value or "" for _, held in page.elements for key, value in held.items() if key in ("src", "href")]
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert not re.search(r"@import|url\((?!#)", text)
    assert not page.all("script")
    policy = next(one["content"] for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_the_page_says_what_it_may_be_used_for(text: str) -> None:
    page = Page(text)
    assert page.text.count(f"{NOTICE} Trained on data under: CC-0.") == 2


def test_the_page_can_be_heard(text: str) -> None:
    page = Page(text)
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert all(image["alt"] for image in page.all("img"))
    assert all(head["scope"] for head in page.all("th"))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels)), "no level is skipped"


def test_every_name_is_given_once_and_every_link_arrives(text: str) -> None:
    page = Page(text)
    names = Counter(value for _, held in page.elements for key, value in held.items() if key == "id")
    assert max(names.values()) == 1
    links = [value or "" for _, held in page.elements for key, value in held.items() if key == "href"]
    assert {link[1:] for link in links if link.startswith("#")} <= set(names)
    pointed = [held["aria-labelledby"] or "" for _, held in page.elements if "aria-labelledby" in held]
    assert {name for several in pointed for name in several.split()} <= set(names)
    assert max(Counter(pointed).values()) == 1, "a screen reader lists each section by a name of its own"


def test_a_whole_run_shows_all_that_is_known() -> None:
    page = Page(report_page([whole_run()]))
    row = whole_run().judgements["test"].row("melanoma", "auc")
    for words in (
        f"{row.value:.3f} {row.low:.3f}\N{EN DASH}{row.high:.3f}",
        "0.883",
        "The data set was incomplete. Training_Data.zip: 1,000 of 2,000; Part2.zip: absent. The published values",
        "Missed melanoma",
        "False alarms: other lesions called melanoma",
        "119 test images with a mask",
        "0.550 0.500\N{EN DASH}0.600 0.553",
        "attnmel train isic2017/attnmel-lesion",
        "device two cores",
        "prior lesion",
    ):
        assert words in page.text, words
    figures = [held for held in page.all("svg") if held.get("class") == "figure"]
    assert len(figures) == 5, "ROC, precision-recall, validation, loss, Dice"


def test_what_is_not_known_is_left_out() -> None:
    page = Page(report_page([bare_run()]))
    assert not page.all("img")
    assert not page.all("svg")
    for words in ("Published", "Curves", "Training", "Overlap of attention and lesion", "incomplete", "None"):
        assert words not in page.text, words


def test_several_runs_are_compared_on_top() -> None:
    page = Page(report_page([whole_run(), bare_run()]))
    assert page.text.index("Comparison of the runs") < page.text.index("Missed melanoma")
    assert [link["href"] for link in page.all("a")] == ["#run-1", "#run-2"]
    assert page.text.startswith("2 runs compared")


def test_names_cannot_bring_in_markup() -> None:
    bad = "<script>alert(1)</script>"
    run = whole_run()
    run = dataclasses.replace(
        run, name=bad, title=bad, command=bad, licence=bad, footnotes=(bad,), recipe=(FactGroup(bad, ((bad, bad),)),)
    )
    page = Page(report_page([run, bare_run()]))
    assert not page.all("script")
    assert bad in page.text


def test_a_page_with_all_examples_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, [whole_run()])
    assert len(re.findall("data:image/webp", path.read_text(encoding="utf-8"))) == 72
    assert path.stat().st_size < 3e6
    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        (list, "at least one run; name a run folder"),
        (lambda: [bare_run(), whole_run(), bare_run()], "two runs are called bare; name each run once"),
        (
            lambda: [dataclasses.replace(bare_run(), judgements={})],
            "bare has no measures; make them with `attnmel evaluate`",
        ),
    ],
)
def test_what_cannot_be_reported_is_said(runs: Callable[[], list[RunSection]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        report_page(runs())
