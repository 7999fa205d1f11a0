"""`attnmel.segment`: masks drawn and scored, with the answers of the commands."""

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from attnmel import segment
from attnmel.errors import AttnmelError
from attnmel.files.folders import RunFolder

if TYPE_CHECKING:
    from tests.conftest import Phantoms


def test_answers_show_themselves_in_a_line() -> None:
    folder = SimpleNamespace(path=Path("masks"))
    found: Any = SimpleNamespace(run=folder, folder=folder, dataset="phantoms", split="test", images=14)
    assert [repr(one(found)) for one in (segment.Segmenter, segment.Drawn, segment.ScoredMasks)] == [
        "Segmenter('masks'; see .to_dict() and .to_frame())",
        "Drawn('masks'; see .to_dict() and .to_frame())",
        "ScoredMasks(phantoms, test, 14 images; see .to_dict() and .to_frame())",
    ]


@pytest.mark.slow
def test_masks_are_drawn_and_scored(segmenter: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    drawn = segment.predict(segmenter.path, "phantoms", tmp_path / "masks", home=phantoms.home)
    assert drawn.folder == tmp_path / "masks"
    frame = drawn.to_frame()
    assert len(frame) == 46
    assert sum(1 for _ in drawn.folder.glob("*.png")) == sum(frame.flag != "empty")
    scored = segment.score("phantoms", drawn.folder, resamples=5, home=phantoms.home)
    rows = scored.to_frame().set_index(["part", "measure"])
    assert rows.loc[("all", "jaccard")].value == scored.to_dict()["parts"][0]["figures"]["jaccard"]["value"]


def test_what_cannot_be_done_is_refused_in_one_sentence(tmp_path: Path, phantoms: "Phantoms") -> None:
    with pytest.raises(AttnmelError, match=r"^unknown key 'training\.epoch' \(did you mean 'epochs'\?\)"):
        segment.train(tmp_path / "run", {"training.epoch": 3})
    with pytest.raises(AttnmelError, match=r"none\.safetensors"):
        segment.predict(tmp_path / "none.safetensors", "phantoms", home=phantoms.home)
    with pytest.raises(AttnmelError, match=r"^unknown data set 'isic2071' \(did you mean 'isic2017'\?\)"):
        segment.score("isic2071", tmp_path)
    assert not list(tmp_path.iterdir())
