"""`attnmel.predict`: the rows that the command writes, by any kind of model, with errors as rows or exceptions."""

import copy
import csv
import io
import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import attnmel as attnmel  # the command, as a fixture
from tests.copies import Copy

from attnmel import predict
from attnmel.errors import AttnmelError, ImageError
from attnmel.files.folders import RunFolder

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms


@pytest.fixture
def images(phantoms: "Phantoms") -> list[Path]:
    return sorted((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))[:2]


def test_the_frame_is_the_csv_of_the_command(attnmel: "Attnmel", exported: Path, images: list[Path]) -> None:
    found = predict(exported, images)
    table = list(csv.DictReader(io.StringIO(attnmel("predict", exported, *images).out)))
    frame = found.to_frame()
    assert list(frame.columns) == list(table[0])
    assert set(frame["error"]) == {None}
    for name in ("probability_melanoma", "probability_rest"):
        assert frame[name].tolist() == [float(row[name]) for row in table]
    decisions = [name for name in frame.columns if name.startswith("decision_")]
    assert decisions
    for name in decisions:
        assert frame[name].tolist() == [int(row[name]) for row in table]
    assert found.to_dict()["images"] == found.images
    assert "not for diagnosis" in found.to_dict()["notice"]


def test_an_image_that_cannot_be_used_is_a_row_with_its_reason(
    exported: Path, images: list[Path], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no image")
    found = predict(exported, [bad, images[0]])
    (first, second) = found.images
    assert first["error"].startswith("bad.jpg is no picture; expected a picture in the format JPEG, ")
    assert set(second["probabilities"]) == {"rest", "melanoma"}
    assert found.to_frame().probability_melanoma.isna().tolist() == [True, False]
    assert list(predict(exported, images[0]).to_frame().columns) == list(found.to_frame().columns), "whatever failed"
    with pytest.raises(ImageError, match=r"bad\.jpg"):
        found.raise_for_failures()


def test_nothing_is_predicted_twice_and_lazily_not_before_it_is_read(
    exported: Path, images: list[Path], tmp_path: Path
) -> None:
    found = predict(exported, images[0], maps=tmp_path / "maps", lazily=True)
    assert not (tmp_path / "maps").exists()
    assert found.read().images is found.images
    assert list((tmp_path / "maps").rglob("*.npz"))


def test_an_exported_model_is_predicted_without_torch(exported: Path, images: list[Path]) -> None:
    code = f"import sys, attnmel; attnmel.predict({str(exported)!r}, {str(images[0])!r}); print('torch' in sys.modules)"
    with Copy(code) as process:
        said, _ = process.communicate()
    assert said.split()[-1] == "False"


@pytest.mark.parametrize(
    ("model", "images", "sentence"),
    [
        ("pretrained", [], "no images to predict: name image files, folders of them, or example:ID"),
        ("pretraned", ["example:all"], "no checkpoint at pretraned (did you mean 'pretrained'?); expected a run "
         "folder, a .safetensors or ONNX file, or a name of `attnmel models`"),
        ("hf:tiny", ["example:all"], "'hf:tiny' is no model of a hub; write hf:OWNER/NAME or hf:OWNER/NAME@REVISION"),
        ("pretrained", ["nowhere"], "no image at nowhere"),
    ],
)  # fmt: skip
def test_what_cannot_be_predicted_is_refused_in_one_sentence(model: str, images: list[str], sentence: str) -> None:
    with pytest.raises(AttnmelError) as error:
        predict(model, images)
    assert str(error.value).startswith(sentence)


def test_a_threshold_outside_its_range_is_refused(trained: RunFolder, images: list[Path]) -> None:
    with pytest.raises(AttnmelError, match=r"^threshold 1; expected a probability, at least 0 and below 1$"):
        predict(trained.path, images, thresholds=[1])


def test_a_program_that_predicts_is_not_watched_and_ended_but_a_command_is(
    attnmel: "Attnmel", exported: Path, images: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watching process kills one that does not end on Ctrl-C, such as a service with an answer of its own to it."""
    watched: list[float] = []

    @contextmanager
    def watch(limit: float, **said: str) -> Iterator[Callable[[Iterable[object]], Iterator[object]]]:
        watched.append(limit)
        yield iter

    monkeypatch.setattr("attnmel.pipeline.predict.image_results.stall_watched", watch)
    assert len(predict(exported, images, stall_limit=60).images) == 2
    assert watched == []
    assert attnmel("predict", exported, *images, "--stall-limit", 70).code == 0
    assert watched == [70]


def test_an_answer_can_be_copied_sent_and_changed_without_harm(exported: Path, images: list[Path]) -> None:
    found = predict(exported, images[0])
    found.to_dict()["images"].clear()
    assert len(found.images) == 1
    for other in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert other.to_dict() == found.to_dict()
