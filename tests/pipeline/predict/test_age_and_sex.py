"""Age and sex change what a model with their prior predicts, alike for a checkpoint and an exported file."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.factories import Recorder

from attnmel.data.image_files.picture import NamedBytes
from attnmel.deploy.onnx.export_facts import ExportFacts, append_texts
from attnmel.errors import ConfigError
from attnmel.evaluation.fusion.card import KEY
from attnmel.files.checksums import file_sha256
from attnmel.files.folders import RunFolder
from attnmel.models.weights.age_sex_prior import AgeSexPrior
from attnmel.models.weights.checkpoints import load_checkpoint, read_checkpoint, save_weights
from attnmel.models.weights.safetensors_io import read_metadata
from attnmel.pipeline.export import export
from attnmel.pipeline.predict.predict import predict_images

if TYPE_CHECKING:
    from tests.conftest import Phantoms

PRIOR = AgeSexPrior(counts={"rest": {"30-39 male": 20}, "melanoma": {"70+ male": 10, "30-39 male": 2}})


@pytest.fixture(scope="module")
def models(calibrated: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A checkpoint and an exported file with a prior and a temperature."""
    folder = tmp_path_factory.mktemp("models")
    network, card = load_checkpoint(calibrated.path)
    card = dataclasses.replace(card, age_sex_prior=PRIOR)
    checkpoint, file = folder / "prior.safetensors", folder / "prior.onnx"
    save_weights(checkpoint, network.state_dict(), card)
    file.write_bytes(export.onnx_graph(network, card).SerializeToString())
    append_texts(file, card, ExportFacts(precision="float32", versions={}, checked_on=""))
    return checkpoint, file


def test_the_scores_of_images_in_the_table_change_and_others_stay(
    calibrated: RunFolder, models: tuple[Path, Path], phantoms: "Phantoms", tmp_path: Path
) -> None:
    images = sorted((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))[:4]
    table = tmp_path / "people.csv"
    table.write_text(f"image,age,sex\n{images[0].name},80,male\n{images[1].stem},35 years,m\n{images[2].stem},80,\n")
    for calibrate in (True, False):
        before = list(predict_images(calibrated.path, images, calibrated=calibrate))
        temperature = load_checkpoint(calibrated.path)[1].temperature if calibrate else None
        for model in models:
            results = predict_images(model, images, calibrated=calibrate, metadata=table)
            found = list(results)
            assert results.age_and_sex_sentence() == (
                "age and sex were known of 2 of 4 images, and changed their probabilities"
            )
            plain = np.array([one.probabilities for one in before])
            expected = PRIOR.adjusted(
                plain, ("rest", "melanoma"), ("80", "35", "80", ""), ("male", "male", "", ""), temperature
            )
            np.testing.assert_allclose([one.probabilities for one in found], expected, atol=1e-5)
            assert expected[0, 1] > plain[0, 1]
            assert expected[1, 1] < plain[1, 1]
        # Without a table nothing is known, and nothing changes.
        without = [one.probabilities for one in predict_images(models[0], images, calibrated=calibrate)]
        assert without == [one.probabilities for one in before]


def test_a_table_for_a_model_without_the_prior_is_refused(calibrated: RunFolder, phantoms: "Phantoms") -> None:
    image = next((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))
    with pytest.raises(ConfigError) as raised:
        predict_images(calibrated.path, [image], metadata=Path("people.csv"))
    assert str(raised.value) == (
        "the model makes no use of age and sex, which people.csv holds; leave out --metadata, or train with "
        "test.prior = 'age-sex'"
    )


def with_priors(run: RunFolder, folder: Path, prior: AgeSexPrior, transforms: str = "none") -> RunFolder:
    """Copy a run as a seed whose checkpoint has a prior and transforms, and no temperature."""
    copy = RunFolder(Path(shutil.copytree(run.path, folder)))
    tensors, card = read_checkpoint(copy.best)
    changed = dataclasses.replace(card, age_sex_prior=prior, transforms=transforms, temperature=None, thresholds=())
    save_weights(copy.best, tensors, changed)
    return copy


def test_each_run_of_a_mean_has_its_own_prior(calibrated: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    """Runs of other folds have other training images; their predictions are averaged with age and sex."""
    other = AgeSexPrior(counts={"rest": {"70+ male": 30}, "melanoma": {"70+ male": 1, "30-39 male": 4}})
    for place, prior in enumerate((PRIOR, other)):
        with_priors(calibrated, tmp_path / "mean" / f"seed-{place}", prior)
    image = next((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))
    table = tmp_path / "people.csv"
    table.write_text(f"image,age,sex\n{image.name},80,male\n")
    (plain,) = predict_images(tmp_path / "mean" / "seed-0", [image], calibrated=False)
    results = predict_images(tmp_path / "mean", [image], calibrated=False, metadata=table)
    (found,) = results
    before = np.array([plain.probabilities])
    each = [one.adjusted(before, ("rest", "melanoma"), ["80"], ["male"]) for one in (PRIOR, other)]
    np.testing.assert_allclose([found.probabilities], np.mean(each, axis=0), atol=1e-6)
    assert results.age_and_sex_sentence().startswith("age and sex were known of 1 of 1 images")


def test_a_fusion_predicts_with_the_priors_and_transforms_of_its_members(
    fused: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(fused.path.parent, tmp_path / "copy"))
    shutil.move(folder / "network", folder / "before")
    network = with_priors(RunFolder(folder / "before"), folder / "network", PRIOR, "dihedral")
    run = RunFolder(folder / fused.path.name)
    tensors, card = read_checkpoint(run.best)
    own = json.loads(read_metadata(run.best)[KEY])
    own["members"][0]["sha256"] = file_sha256(network.best)
    save_weights(run.best, tensors, dataclasses.replace(card, temperature=None, thresholds=()), {KEY: json.dumps(own)})
    image = next((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))
    table, said = tmp_path / "people.csv", Recorder()
    table.write_text(f"image,age,sex\n{image.name},80,male\n")
    (found,) = predict_images(run.path, [image], metadata=table, progress=said)
    (first,) = predict_images(network.path, [image], metadata=table)
    (second,) = predict_images(folder / "system", [image])
    weights = [one["weight"] for one in own["members"]]
    expected = np.average([first.probabilities, second.probabilities], axis=0, weights=weights)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-6)
    (without,) = predict_images(network.path, [image])
    assert without.probabilities != first.probabilities
    notes = [one for one in said.notes if "transforms" in one]
    assert notes == ["of 1 of 2 members: probabilities are means over 8 transforms of each image (dihedral)"]
    for seed in (0, 1):
        shutil.copytree(run.path, folder / f"seed-{seed}")
    (mean,) = predict_images(folder, [image], metadata=table, calibrated=False)
    np.testing.assert_allclose(mean.probabilities, expected, atol=1e-6)


def test_age_and_sex_of_dicom_files_count_and_the_table_comes_first(models: tuple[Path, Path], tmp_path: Path) -> None:
    pytest.importorskip("pydicom")
    pytest.importorskip("libjpeg")
    from pydicom import uid
    from tests.strangers.images.make_dicom import PICTURE, dermoscopy, write

    people = {"old": ("080Y", "M"), "young": ("035Y", "M"), "nobody": ("", ""), "both": ("080Y", "F")}
    for name, (age, sex) in people.items():
        dataset = dermoscopy(PatientAge=age, PatientSex=sex)
        write(tmp_path / f"{name}.dcm", dataset, PICTURE.tobytes(), uid.ExplicitVRLittleEndian)
    table = tmp_path / "people.csv"
    table.write_text("image,sex\nboth.dcm,male\n")
    paths = [tmp_path / f"{name}.dcm" for name in people]
    old, young, nobody, both = (one.probabilities for one in predict_images(models[1], paths, metadata=table))
    assert young[1] < nobody[1] < old[1]
    assert both == old


def test_the_page_answers_for_a_dicom_file_what_the_command_does(models: tuple[Path, Path], tmp_path: Path) -> None:
    pytest.importorskip("pydicom")
    pytest.importorskip("libjpeg")
    pytest.importorskip("fastapi")
    from pydicom import uid
    from tests.strangers.images.make_dicom import PICTURE, dermoscopy, write

    from attnmel.web.models import Models

    served, found = Models({"prior": models[1]}, None), []
    for name, age in (("old", "080Y"), ("nobody", "")):
        path = tmp_path / f"{name}.dcm"
        write(path, dermoscopy(PatientAge=age, PatientSex="M"), PICTURE.tobytes(), uid.ExplicitVRLittleEndian)
        (expected,) = predict_images(models[1], [path])
        case = served.predict(NamedBytes(path.read_bytes(), path.name), ["prior"], many=False)
        found.append(case.results["prior"].probabilities)
        assert found[-1] == expected.probabilities
    assert found[0] != found[1]
