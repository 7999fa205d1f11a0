"""An exported file was checked against the network and knows what its users need; one that fails is not written."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from PIL import Image
from tests.factories import Recorder

from attnmel.deploy import openvino, predictor
from attnmel.deploy.engines import onnxruntime_engine
from attnmel.deploy.onnx.export_facts import read_onnx_card
from attnmel.deploy.openvino import Compiled
from attnmel.errors import ConfigError, ExportError
from attnmel.evaluation.calibration.temperature import at_temperature
from attnmel.files.folders import RunFolder
from attnmel.models.weights.checkpoints import read_checkpoint
from attnmel.pipeline.export import check_images, export
from attnmel.pipeline.export.check_images import large_phantoms, spread
from attnmel.pipeline.export.export import CheckedExport, export_onnx
from attnmel.pipeline.predict.predict import predict_images
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.conftest import Phantoms


@pytest.fixture(autouse=True)
def smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Photographs of a size that is drawn in no time; one test draws them as they are."""
    monkeypatch.setattr(check_images, "LARGE", (300, 200))


@pytest.fixture(scope="module")
def run(calibrated: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return RunFolder(Path(shutil.copytree(calibrated.path, tmp_path_factory.mktemp("export") / "seed-0")))


@pytest.fixture(scope="module")
def exported(run: RunFolder, phantoms: "Phantoms") -> CheckedExport:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check_images, "LARGE", (300, 200))
        return export_onnx(run.path, home=phantoms.home)


def spoil(monkeypatch: pytest.MonkeyPatch, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Change the weights of the head on the way into the graph."""
    graph_of = export.onnx_graph

    def spoilt(*given: object) -> onnx.ModelProto:
        model = graph_of(*given)  # pyright: ignore[reportArgumentType] - handed on
        for one in model.graph.initializer:
            if one.name == "network.head.weight":
                one.CopyFrom(onnx.numpy_helper.from_array(change(onnx.numpy_helper.to_array(one)), one.name))
        return model

    monkeypatch.setattr(export, "onnx_graph", spoilt)


def test_the_file_lies_in_the_run_folder_and_holds_the_card_of_the_checkpoint(
    exported: CheckedExport, run: RunFolder
) -> None:
    assert exported.path == run.onnx
    assert read_onnx_card(run.onnx) == (exported.card, exported.facts)
    assert dataclasses.replace(exported.card, thresholds=()) == read_checkpoint(run.best)[1]
    assert exported.card.thresholds == exported.facts.thresholds
    assert exported.card.temperature is not None


def test_every_engine_was_compared_on_the_split_and_on_large_photographs(exported: CheckedExport) -> None:
    facts = exported.facts
    alone, many, other = facts.parity
    assert alone.engine == f"{many.engine}, one image at a time"
    assert (many.engine.split()[0], other.engine.split()[0]) == ("OpenVINO", "onnxruntime")
    for one in facts.parity:
        assert (one.images, one.phantoms) == (12, 2)
        assert one.probability < 1e-4
        assert one.attention is not None
        assert one.attention < 1e-3
    assert alone.auc is alone.judged_auc is None
    assert many.auc == many.judged_auc == other.auc == other.judged_auc == 0.0
    assert facts.checked_on.startswith("12 images of ")
    assert facts.versions["onnxruntime"]


def test_another_program_gets_what_predict_gets(exported: CheckedExport, run: RunFolder, phantoms: "Phantoms") -> None:
    images = sorted((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))[:3]
    expected = [one.probabilities for one in predict_images(run.path, images)]
    found = onnxruntime_engine(exported.path, exported.card).run(images)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)


def test_each_threshold_reaches_its_sensitivity_on_the_validation_images(
    exported: CheckedExport, run: RunFolder
) -> None:
    stored = Predictions.read(run.predictions("validation"), uncalibrated=True)
    chose = at_temperature(stored, exported.card.temperature)
    positive, scores = chose.is_class("melanoma"), chose.probability("melanoma")
    assert [one.target for one in exported.facts.thresholds] == [0.82, 0.89, 0.95]
    for one in exported.facts.thresholds:
        called = scores.astype(np.float32) > np.float32(one.threshold)
        assert one.sensitivity == called[positive].mean() >= one.target
        assert one.specificity == (~called)[~positive].mean()
        assert (one.images, one.positives) == (10, positive.sum())


def test_the_measures_are_those_of_the_run(exported: CheckedExport, run: RunFolder) -> None:
    judged = json.loads(run.measures.read_text(encoding="utf-8"))
    expected = {
        (name, row["task"], row["measure"]): row["value"]
        for name, one in judged.items()
        for row in one["judgement"]["rows"]
    }
    assert {(one.split, one.task, one.measure): one.value for one in exported.facts.measures} == expected


def test_a_spoilt_graph_is_refused_and_leaves_no_file(
    run: RunFolder, phantoms: "Phantoms", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, lambda weights: weights * np.float32(1.5))
    with pytest.raises(
        ExportError, match=r"run by OpenVINO \S+, one image at a time, differs from the network: on \S+ the "
    ):
        export_onnx(run.path, home=phantoms.home, out=tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("many", "way"), [(False, r"OpenVINO \S+, one image at a time,"), (True, r"OpenVINO \S+,")])
def test_what_predictor_says_is_what_is_checked_for_one_image_and_for_many(
    many: bool, way: str, run: RunFolder, phantoms: "Phantoms", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_class, compiled = predictor._by_class, predictor.Predictor._compiled
    asked: list[bool] = []

    def remembered(self: predictor.Predictor, *, many: bool) -> Compiled:
        asked.append(many)
        return compiled(self, many=many)

    def wrong(*given: object) -> dict[str, float]:
        found = by_class(*given)  # pyright: ignore[reportArgumentType] - handed on
        return {name: share + 2e-4 * (asked[-1] == many) for name, share in found.items()}

    monkeypatch.setattr(predictor.Predictor, "_compiled", remembered)
    monkeypatch.setattr(predictor, "_by_class", wrong)
    with pytest.raises(ExportError, match=rf"run by {way} differs .* too large for 14 of 14 images"):
        export_onnx(run.path, home=phantoms.home, out=tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_file_stays_where_a_later_one_is_refused(
    run: RunFolder, phantoms: "Phantoms", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "model.onnx"
    out.write_bytes(b"earlier")
    spoil(monkeypatch, lambda weights: weights * np.float32(np.nan))
    with pytest.raises(ExportError, match=rf"{out} gave a probability that is not a number.* No file was written"):
        export_onnx(run.path, home=phantoms.home, out=out)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"earlier"]


def test_a_checkpoint_alone_is_checked_on_phantoms_and_says_so(run: RunFolder, tmp_path: Path) -> None:
    alone, notes = Path(shutil.copy(run.best, tmp_path)), Recorder()
    found = export_onnx(alone, home=tmp_path / "home", progress=notes)
    assert found.path == alone.with_suffix(".onnx")
    assert found.facts.checked_on == "2 large phantoms"
    assert [(one.images, one.auc) for one in found.facts.parity] == [(0, None)] * 3
    assert found.facts.thresholds == read_checkpoint(alone)[1].thresholds
    assert not found.facts.measures + found.facts.costs
    assert any(f"checked only on large phantoms: the data set of {alone} was not found" in one for one in notes.notes)


def test_a_run_whose_data_set_was_not_fetched_is_checked_on_phantoms(run: RunFolder, tmp_path: Path) -> None:
    found = export_onnx(run.path, home=tmp_path / "elsewhere", out=tmp_path / "model.onnx")
    assert found.facts.checked_on == "2 large phantoms"
    assert found.facts.thresholds


def test_int8_tells_what_it_costs_and_its_own_thresholds(run: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    found = export_onnx(run.path, home=phantoms.home, out=tmp_path / "int8.onnx", int8=True, bound=1.0)
    assert read_onnx_card(found.path)[1] == found.facts
    assert found.facts.precision == "int8"
    assert [(one.precision, one.task, one.images) for one in found.facts.costs] == [("int8", "melanoma", 12)] * 2
    assert all(0 < one.probability < 0.5 for one in found.facts.costs)
    assert any(node.op_type == "QuantizeLinear" for node in onnx.load(found.path).graph.node)
    judged = Predictions.read(run.predictions("validation"))
    assert all(one.positives == judged.is_class("melanoma").sum() for one in found.facts.thresholds)
    # Its thresholds decide, in `predict`, as they did where they were chosen.
    results = predict_images(found.path, [next((phantoms.home / "data").rglob("*Validation_Data"))])
    positive = dict(zip(judged.image_ids, judged.is_class("melanoma").tolist(), strict=True))
    called = {Path(one.image).stem: results.table.decisions(one) for one in results}
    assert called.keys() == positive.keys()
    for place, one in enumerate(found.facts.thresholds):
        hits = [called[image][place].positive for image in called if positive[image]]
        assert np.mean(hits) == one.sensitivity == one.achieved[0].sensitivity[0]
        assert called[judged.image_ids[0]][place].threshold == one


def test_what_bf16_costs_is_measured_where_the_cpu_has_it(
    run: RunFolder, phantoms: "Phantoms", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for has in (False, True):
        # OpenVINO takes the wish on any CPU, and computes in float32 where it cannot.
        monkeypatch.setattr(export, "has_bf16", lambda has=has: has)
        monkeypatch.setattr(openvino, "has_bf16", lambda has=has: has)
        found = export_onnx(run.path, home=phantoms.home, out=tmp_path / "model.onnx")
        told = [(one.precision, one.engine.split()[0], one.task, one.images) for one in found.facts.costs]
        assert told == [("bf16", "OpenVINO", "melanoma", 12)] * has
        assert found.facts.precision == "float32"


def test_int8_past_the_bound_is_refused_and_leaves_no_file(
    run: RunFolder, phantoms: "Phantoms", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def upside_down(model: onnx.ModelProto, squares: np.ndarray) -> onnx.ModelProto:
        spoilt = onnx.ModelProto()
        spoilt.CopyFrom(model)
        for one in spoilt.graph.initializer:
            if one.name == "network.head.weight":
                one.CopyFrom(onnx.numpy_helper.from_array(-onnx.numpy_helper.to_array(one), one.name))
        return spoilt

    monkeypatch.setattr(export, "int8_model", upside_down)
    with pytest.raises(ExportError, match=r"int8 may cost too much: .* Export without --int8"):
        export_onnx(run.path, home=phantoms.home, out=tmp_path / "int8.onnx", int8=True)
    assert list(tmp_path.iterdir()) == []


def test_int8_without_training_images_says_what_to_name(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"int8 takes its value ranges from training images, .* by --home the folder"):
        export_onnx(run.best, home=tmp_path, out=tmp_path / "int8.onnx", int8=True)


def test_a_limit_spreads_over_the_split() -> None:
    assert spread(np.arange(10), 4).tolist() == [0, 3, 6, 9]
    assert spread(np.arange(3), 4).tolist() == [0, 1, 2]


@pytest.mark.slow
def test_a_large_photograph_shows_a_resize_without_antialiasing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    for path in large_phantoms(tmp_path):
        with Image.open(path) as photograph:
            assert photograph.size == (3000, 2000)
            square = photograph.crop((700, 200, 2300, 1800))
            smooth = np.asarray(square.resize((256, 256), Image.Resampling.BILINEAR), dtype=np.float64)
            picked = np.asarray(square.resize((256, 256), Image.Resampling.NEAREST), dtype=np.float64)
        assert np.abs(smooth - picked).mean() > 3
