from pathlib import Path

import pytest
from PIL import Image

from attnmel.data.verify import verify_dataset
from attnmel.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "clinic"
    place.mkdir()
    for name in ("a", "b", "c"):
        Image.new("RGB", (60, 40), (200, 160, 140)).save(place / f"{name}.png")
    return place


def details(folder: Path) -> list[tuple[str, str]]:
    return [(one.kind, one.detail) for one in verify_dataset(str(folder), folder.parent / "home").findings]


def test_a_sound_folder_is_counted_by_label(folder: Path) -> None:
    (folder / "labels.csv").write_text("image,label\na,nevus\nb,nevus\nc,melanoma\n")
    found = verify_dataset(str(folder), folder.parent / "home")
    assert found.findings == ()
    assert found.dataset == "clinic"
    expected = {"images": 3, "masks": 0, "labelled nevus": 2, "labelled melanoma": 1, "sound masks": 0}
    assert found.counts == expected


def test_every_row_that_is_wrong_is_told_beyond_the_first_five_and_the_good_images_are_looked_at(folder: Path) -> None:
    rows = [f"no{number},nevus" for number in range(8)]
    (folder / "labels.csv").write_text("\n".join(["image,label,split", *(f"{row}," for row in rows), "a,nevus,"]))
    (folder / "a.png").write_bytes(b"nothing")
    found = details(folder)
    assert sorted(kind for kind, _ in found) == ["folder table"] * 8 + ["image unusable"]
    assert ("folder table", "line 9: image: no file 'no7' in the folder") in found


def test_an_image_without_a_row_and_a_group_on_two_sides_are_told(folder: Path) -> None:
    (folder / "labels.csv").write_text("image,label,group,split\na,nevus,p1,train\nb,nevus,p1,test\n")
    assert details(folder) == [
        ("id on two sides", "images of the group 'p1' are on two sides"),
        ("folder table", "c.png is not in the table; give it a row, or move it away"),
    ]


def test_masks_of_some_images_only_are_told_of_the_others(folder: Path) -> None:
    mask = Image.new("L", (60, 40))
    mask.paste(255, (20, 10, 40, 30))
    (folder / "masks").mkdir()
    mask.save(folder / "masks" / "a.png")
    (folder / "labels.csv").write_text("image,label,mask\na,nevus,masks/a\nb,nevus,\nc,nevus,\n")
    found = verify_dataset(str(folder), folder.parent / "home")
    assert [(one.kind, one.image_id) for one in found.findings] == [("image without mask", i) for i in "bc"]
    assert found.counts["sound masks"] == 1


def test_a_table_that_cannot_be_read_is_a_finding(folder: Path) -> None:
    (folder / "labels.csv").write_text("image;label\na;nevus\n")
    ((kind, told),) = details(folder)
    assert kind == "folder table"
    assert "is separated by semicolons" in told


def test_a_name_that_is_no_data_set_is_answered_with_those_there_are(folder: Path) -> None:
    with pytest.raises(ConfigError, match="unknown data set 'isic2019'; known: isic2016, isic2017"):
        verify_dataset("isic2019", folder)
    with pytest.raises(ConfigError, match=r"the folder .*clinic has no labels\.csv; expected one with a row an image"):
        verify_dataset(str(folder), folder)
