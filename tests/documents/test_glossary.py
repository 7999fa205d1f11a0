"""The glossary explains the choices that recipes and options offer, each in one sentence."""

import re
from pathlib import Path
from typing import get_args

import pytest

from attnmel.config import recipe
from attnmel.config.settings import data, model, training
from attnmel.evaluation.masks.quality import Flag
from attnmel.saliency.methods.registry import METHODS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
TERM = re.compile(r"^\* \*\*(.+?)\*\*: (.+?)(?=^\* |^#|\Z)", re.MULTILINE | re.DOTALL)
ENTRIES = [(name, " ".join(text.split())) for name, text in TERM.findall(TEXT)]
CHOICES = (
    model.Network, model.Trunk, model.Padding, recipe.Prior, recipe.Spoiling,
    training.Optimizer, training.ScheduleKind, training.Selection,
    data.Ablation, Flag,
)  # fmt: skip


def test_every_entry_is_one_sentence() -> None:
    assert len(ENTRIES) == TEXT.count("\n* ")
    for name, text in ENTRIES:
        assert text.endswith("."), name
        assert not re.search(r"[a-z]\. [A-Z]", text), name


def test_no_term_is_explained_twice() -> None:
    names = [part for name, _ in ENTRIES for part in name.replace("`", "").split(", ")]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("choices", CHOICES, ids=lambda one: get_args(one)[-1])
def test_the_choices_of_a_setting_are_explained(choices: object) -> None:
    for one in get_args(choices):
        # A range of trunks is written by its ends.
        assert one in ("", "none", "efficientnet_lite1") or f"`{one}`" in TEXT, one


def test_the_methods_and_measures_of_saliency_maps_are_explained() -> None:
    measures = ("overlap", "cuts", "agreement", "authors-cam", "faithfulness", "sanity", "stability")
    for one in (*METHODS, *measures):
        assert one == "gradcam-pool4" or f"`{one}`" in TEXT, one


def test_the_words_of_reader_studies_are_explained() -> None:
    names = {part for name, _ in ENTRIES for part in name.replace("`", "").split(", ")}
    words = (
        "ROC curve", "AUC of a reader", "p value", "kappa", "AC1", "jackknife", "Obuchowski-Rockette", "washout",
        "crossed", "sequential", "automation bias", "non-inferiority margin", "operating point", "DeLong", "MRMC",
        "U-statistic", "degrees of freedom", "reference", "modality", "split plot", "binormal curve", "power",
        "repeatability", "suspicion", "machine's threshold", "Bland-Altman", "random readers", "fixed readers",
        "Roe-Metz model", "truth", "wrong machine",
    )  # fmt: skip
    assert not set(words) - names


def test_the_readme_links_to_it() -> None:
    assert "(docs/glossary.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
