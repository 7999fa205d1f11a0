"""All maps of a split, and what they are worth, from runs that are trained."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import spearmanr
from torch import Tensor

from attnmel.data.preprocess.images import central_crop
from attnmel.data.priors.sources import DERMOSCOPIC_FEATURES
from attnmel.errors import ConfigError
from attnmel.evaluation.maps.attention_overlap import Overlap
from attnmel.evaluation.maps.summary import MapSummary
from attnmel.evaluation.maps.table import MapColumn, MapTable
from attnmel.files.folders import RunFolder
from attnmel.models.classifiers import MelNetwork
from attnmel.models.output import Output
from attnmel.pipeline.explain.metrics import RERUN
from attnmel.pipeline.explain.runs import explain_each
from attnmel.pipeline.explain.stored_maps import ExplainedRun
from attnmel.pipeline.report.report import report_runs
from attnmel.pipeline.run.images.dataset import prepare
from attnmel.pipeline.run.open_split import open_split
from attnmel.pipeline.run.run import Run
from attnmel.pipeline.run.run_location import read_recipe
from attnmel.saliency.map_files import read_levels

if TYPE_CHECKING:
    from tests.conftest import Phantoms

METHODS = ("attention-pool3", "attention-pool4", "cam", "gaussian")
FEW = 4


@pytest.fixture(scope="module")
def explained(trained: RunFolder, phantoms: "Phantoms", tmp_path_factory: pytest.TempPathFactory) -> ExplainedRun:
    """Every measure of some maps of the test split, in a copy of the run."""
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path_factory.mktemp("explained") / "run")))
    measures = ("overlap", "cuts", "agreement", *RERUN)
    (one,) = explain_each([Run(run, phantoms.home)], split="test", methods=METHODS, measures=measures, limit=FEW)
    return one


def test_the_table_says_of_attention_what_evaluate_says(explained: ExplainedRun, trained: RunFolder) -> None:
    table, judged = MapTable.read(explained.folder.table), Overlap.read(trained.overlap("test"))
    assert table.image_ids == judged.image_ids
    for name, jaccard in judged.jaccard.items():
        found = table.column(MapColumn(f"attention-{name}", "jaccard", "lesion"))
        np.testing.assert_allclose(found, jaccard, atol=1e-6)


def test_a_cut_of_half_is_the_protocols_and_agreement_is_spearmans_of_the_maps(explained: ExplainedRun) -> None:
    table = explained.table
    for name in METHODS:
        halfway = table.column(MapColumn(name, "jaccard at 0.50", "lesion"))
        np.testing.assert_array_equal(halfway, table.column(MapColumn(name, "jaccard", "lesion")))
    first, second = (
        np.concatenate(list(read_levels(explained.folder.maps(name), table.image_ids))) for name in METHODS[:2]
    )
    found = table.column(MapColumn(METHODS[0], "agreement", METHODS[1]))
    expected = [spearmanr(one.ravel(), other.ravel())[0] for one, other in zip(first, second, strict=True)]
    # The files hold 256 levels: ties that the maps themselves have not.
    np.testing.assert_allclose(found, np.array(expected), atol=0.1)


def test_dermoscopic_features_are_targets_one_by_one(explained: ExplainedRun) -> None:
    targets = {column.target for column in explained.table.values if column.measure == "ap"}
    assert targets == {"lesion", "background", *DERMOSCOPIC_FEATURES}


def test_both_gates_maps_take_one_pass_of_the_network(
    trained: RunFolder, phantoms: "Phantoms", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    forward = MelNetwork.forward

    def counted(network: MelNetwork, images: Tensor) -> Output:
        seen.append(len(images))
        return forward(network, images)

    monkeypatch.setattr(MelNetwork, "forward", counted)
    methods = ["attention-pool3", "attention-pool4"]
    (one,) = explain_each([Run(trained, phantoms.home)], split="test", methods=methods, out=tmp_path)
    # Once for the predictions, once for the maps, and each method is tried on one image.
    assert sum(seen) == 2 * len(one.table.image_ids) + len(methods)


def test_the_network_is_asked_again_of_a_few_images_the_same_for_each_map(explained: ExplainedRun) -> None:
    asked = {tuple(np.flatnonzero(~np.isnan(explained.table.column(MapColumn(name, "deletion"))))) for name in METHODS}
    assert len(asked) == 1
    (few,) = asked
    assert len(few) == FEW
    # By class, so that both are among them.
    assert len({explained.table.labels[at] for at in few}) == 2


def test_a_control_is_no_better_than_it_can_be(explained: ExplainedRun) -> None:
    of_gaussian = {column: values for column, values in explained.table.values.items() if column.map == "gaussian"}
    likenesses = {column: values for column, values in of_gaussian.items() if column.measure.endswith(" spearman")}
    assert len(likenesses) >= 4
    for values in likenesses.values():
        # What does not look at the network stays as it is whatever becomes of the network.
        np.testing.assert_allclose(values[~np.isnan(values)], 1)


def test_the_files_of_maps_hold_every_image_over_its_own_range(explained: ExplainedRun) -> None:
    for name in METHODS:
        levels = np.concatenate(list(read_levels(explained.folder.maps(name), explained.table.image_ids, 5)))
        assert len(levels) == len(explained.table.image_ids)
        assert (levels.max(axis=(1, 2)) == 255).all()


def test_the_summary_reads_back_and_stands_in_the_report_with_the_controls(
    explained: ExplainedRun, phantoms: "Phantoms", tmp_path: Path
) -> None:
    summary = MapSummary.read(explained.folder.summary)
    assert summary is not None
    assert summary.methods == METHODS
    assert str(summary) == str(explained.summary)
    run = RunFolder(explained.folder.path.parent.parent)
    page = report_runs([Run(run, phantoms.home)], out=tmp_path / "r.html").read_text()
    section = page.split("Evaluation of the saliency maps</h2>")[1].split("</section>")[0]
    assert all(name in section for name in METHODS)
    jaccard = next(one for one in summary.means if one.column == MapColumn("gaussian", "jaccard", "lesion"))
    assert f"{jaccard.interval.value:.3f}" in section
    assert f"{jaccard.interval.value:.3f}" in explained.folder.text.read_text()


def test_a_network_without_gates_is_explained_by_its_other_maps(
    phantoms: "Phantoms", mel_cnn: RunFolder, tmp_path: Path
) -> None:
    (usual,) = explain_each([Run(mel_cnn, phantoms.home)], split="test", out=tmp_path)
    assert usual.methods == ("cam", "gradcam-pool3", "gradcam-pool4", "gradcam-pool5", "gaussian", "random")
    with pytest.raises(ConfigError, match=r"MelNetwork returns no attention maps; expected 2 .* use gradcam-pool5"):
        explain_each([Run(mel_cnn, phantoms.home)], split="test", methods=["cam", "attention-pool3"])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            {"methods": ["attention"]},
            r"unknown method 'attention' \(did you mean 'attention-pool4'\?\); known: attention-pool3, ",
        ),
        ({"measures": ["beauty"]}, "unknown measure 'beauty'; known: agreement, authors-cam, cuts, faithfulness, ov"),
        ({"split": "tests"}, r"unknown split 'tests' \(did you mean 'test'\?\); known: internal, test, train"),
        ({"limit": 0}, "measures on 0 images; expected --limit of at least 1"),
    ],
)
def test_what_is_not_known_is_answered_with_what_is(
    trained: RunFolder, phantoms: "Phantoms", wrong: dict[str, object], told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        explain_each([Run(trained, phantoms.home)], **{"split": "test", **wrong})  # pyright: ignore[reportArgumentType]


def test_maps_are_of_the_crop_that_the_network_saw(explained: ExplainedRun, phantoms: "Phantoms") -> None:
    run = RunFolder(explained.folder.path.parent.parent)
    recipe, model = read_recipe(run), open_split(Run(run, phantoms.home), "test")
    cache = prepare(recipe.data, home=phantoms.home).cache
    places = np.arange(3)
    expected = central_crop(cache.gather(explained.rows[places]), recipe.data.size)
    for _, images in model.batches(places):
        mean, std = (np.array(one) for one in (model.card.mean, model.card.std))
        pixels = images.permute(0, 2, 3, 1).numpy() * std + mean
        np.testing.assert_allclose(pixels * 255, expected[..., :3], atol=1e-2)
