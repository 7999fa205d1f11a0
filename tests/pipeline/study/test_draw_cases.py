"""The cases of a study are drawn by what their labels mean."""

from pathlib import Path

import pytest
from tests.pipeline.study.small_study import write_folder

from attnmel.errors import ConfigError
from attnmel.pipeline.study.draw_cases import draw_cases


def test_classes_are_drawn_by_every_spelling_of_their_diagnosis(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "images", cases=12)
    spellings = {"melanoma": ("MEL", "Melanom", "melanoma"), "nevus": ("NV", "Naevus", "nevus")}
    rows = [line.split(",") for line in (folder / "labels.csv").read_text().splitlines()[1:]]
    labelled = [f"{name},{spellings[label][place // 2 % 3]}" for place, (name, label) in enumerate(rows)]
    (folder / "labels.csv").write_text("\n".join(["image,label", *labelled]))
    cases, practice = draw_cases(str(folder), tmp_path, {"melanoma": 6, "nevus": 5}, split=None, training=1, seed=0)
    assert sorted(str(one.diagnosis) for one in cases) == ["melanoma"] * 6 + ["nevus"] * 5
    assert [one.diagnosis for one in practice] == ["nevus"]
    with pytest.raises(ConfigError, match=r"has no column split, so none of its images is in the split 'test'"):
        draw_cases(str(folder), tmp_path, {"nevus": 1}, split="test", training=0, seed=0)
