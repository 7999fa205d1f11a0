import shutil
from pathlib import Path

import pytest
from PIL import Image

import attnmel
from attnmel.data.datasets.own.folder import AS_WRITTEN, TableReading, read_folder
from attnmel.data.datasets.splits import check_classes, draw_fold, with_splits
from attnmel.data.verify import Verification, verify_dataset
from attnmel.errors import ConfigError, LabelError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "clinic"
    place.mkdir()
    for name in ("a", "b", "c"):
        Image.new("RGB", (60, 40), (200, 160, 140)).save(place / f"{name}.png")
    return place


def details(folder: Path, reading: TableReading = AS_WRITTEN) -> list[tuple[str, str]]:
    found = verify_dataset(str(folder), folder.parent / "home", reading=reading)
    return [(one.kind, one.detail) for one in found.findings]


def test_a_sound_folder_is_counted_by_label(folder: Path) -> None:
    (folder / "labels.csv").write_text("image,label\na,nevus\nb,nevus\nc,melanoma\n")
    found = verify_dataset(str(folder), folder.parent / "home")
    assert found.findings == ()
    assert found.dataset == "clinic"
    expected = {"images": 3, "masks": 0, "labelled nevus": 2, "labelled melanoma": 1, "sound masks": 0}
    assert found.counts == expected


def test_how_images_were_read_and_that_no_column_names_patients_are_notes(folder: Path) -> None:
    (folder / "labels.csv").write_text("image,label\na,nevus\nb,nevus\nc,melanoma\n")
    Image.new("RGBA", (60, 40), (200, 160, 140, 90)).save(folder / "b.png")
    notes = verify_dataset(str(folder), folder.parent / "home").notes
    assert "1 of 3 images: alpha channel laid on white" in notes
    assert any(note.startswith("no column names the lesion or patient of an image (group)") for note in notes)
    (folder / "labels.csv").write_text("image,label,group\na,nevus,1\nb,nevus,\nc,melanoma,\n")
    assert not any("group" in note for note in verify_dataset(str(folder), folder.parent / "home").notes)


def test_masks_of_a_recipe_that_are_not_checked_are_named(folder: Path) -> None:
    (folder / "labels.csv").write_text("image,label\na,rest\nb,rest\nc,melanoma\n")
    recipe = folder / "own.toml"
    text = (Path(attnmel.__file__).parent / "recipes/isic2017/attnmel-lesion.toml").read_text(encoding="utf-8")
    recipe.write_text(text.replace('prior = "lesion"', 'prior = "lesion"\nmasks = "drawn"'), encoding="utf-8")
    (found,) = attnmel.datasets.verify(folder, recipe=recipe, home=folder.parent / "home")
    said = "masks of loss.masks (drawn) are not checked; to check them, name them in the column mask of labels.csv"
    assert found.notes[-1] == said
    (found,) = attnmel.datasets.verify(folder, recipe="isic2017/attnmel-lesion", home=folder.parent / "home")
    assert said not in found.notes


def test_every_row_that_is_wrong_is_told_beyond_the_first_five_and_the_good_images_are_looked_at(folder: Path) -> None:
    rows = [f"b,nevus,,{1000 + number}" for number in range(34)]
    (folder / "labels.csv").write_text("\n".join(["image,label,split,age", *rows, "a,nevus,,"]))
    (folder / "a.png").write_bytes(b"nothing")
    found = details(folder)
    assert sorted(kind for kind, _ in found) == ["folder table"] * 34 + ["image unusable"]
    told = "line 35, column age: found '1033', expected years from 0 to 120, or nothing"
    assert ("folder table", told) in found


def test_rows_without_image_and_images_without_row_are_warnings_or_errors_if_strict(folder: Path) -> None:
    (folder / "labels.csv").write_text("image,label\na,nevus\nb,nevus\nd,nevus\n")
    assert [kind for kind, _ in details(folder)] == ["row without image", "image without row"]
    strict = verify_dataset(str(folder), folder.parent / "home", reading=TableReading(strict=True))
    assert [(one.kind, one.severity) for one in strict.findings] == [("folder table", "error")] * 2


def test_a_folder_is_never_advised_to_be_fetched(folder: Path) -> None:
    (folder / "labels.csv").write_text("image,label\na,nevus\nb,nevus\nc,nevus\n")
    (folder / "a.png").write_bytes(b"nothing")
    found = verify_dataset(str(folder), folder.parent / "home")
    assert found.hint("image unusable").startswith("Replace the file with a whole")
    assert not any("fetch" in found.hint(kind) for kind in ("image unusable", "mask unusable", "folder table"))
    assert "fetch" not in found.to_dict()["findings"][0]["hint"]


def test_with_the_classes_of_a_recipe_labels_and_splits_are_checked_as_in_training(folder: Path) -> None:
    reading = TableReading(("rest", "melanoma"))
    (folder / "labels.csv").write_text("image,label\na,warty\nb,melanoma\nc,benign\n")
    ((_, told),) = details(folder, reading)
    assert told.startswith(
        "line 2, column label: found 'warty', expected one of rest, melanoma ('rest' for every other"
    )
    (folder / "labels.csv").write_text("image,label,split\na,rest,train\nb,melanoma,train\nc,rest,test\n")
    found = details(folder, reading)
    assert [kind for kind, _ in found] == ["split without class"] * 2
    assert found[0][1] == "no image is in the split 'validation'"
    assert found[1][1].split(".")[0] == "the split 'test' has no melanoma (it has 1 rest)"
    with pytest.raises(LabelError, match="the split 'test' has no melanoma"):
        check_classes(with_splits(read_folder(folder, reading).lesions), ("rest", "melanoma"))


def test_the_fold_of_a_recipe_splits_as_in_its_training(folder: Path) -> None:
    for name in ("d", "e", "f"):
        shutil.copy(folder / "a.png", folder / f"{name}.png")
    rows = ["a,rest,train", "b,rest,train", "c,rest,train", "d,melanoma,train", "e,rest,test", "f,melanoma,test"]
    (folder / "labels.csv").write_text("\n".join(["image,label,split", *rows]))
    recipe = folder / "own.toml"
    text = (Path(attnmel.__file__).parent / "recipes/demo.toml").read_text(encoding="utf-8")
    recipe.write_text(text.replace("[data]", '[data]\nfold = "1/2"'), encoding="utf-8")
    (found,) = attnmel.datasets.verify(folder, recipe=recipe, home=folder.parent / "home")
    assert found.notes[-1] == "fold 1/2 of the training and validation images of clinic validates"
    (short,) = found.findings  # there is a validation split, but one melanoma for two sides
    lesions = read_folder(folder, TableReading(("rest", "melanoma"))).lesions
    with pytest.raises(LabelError) as refused:
        check_classes(draw_fold(lesions, 1, 2, seed=0), ("rest", "melanoma"))
    assert (short.kind, short.detail) == ("split without class", str(refused.value))
    assert "has no melanoma" in short.detail
    assert found.hint(short.kind).endswith("where data.fold draws the splits, take fewer parts.")


def test_what_a_recipe_leaves_out_is_told_and_counts_in_no_split(folder: Path) -> None:
    for name in ("d", "e", "f", "g", "h"):
        shutil.copy(folder / "a.png", folder / f"{name}.png")
    splits = ("train", "train", "train", "train", "validation", "validation", "test", "test")
    rows = [
        f"{name},{'melanoma' if number % 2 else 'rest'},{split}"
        for number, (name, split) in enumerate(zip("abcdefgh", splits, strict=True))
    ]
    (folder / "labels.csv").write_text("\n".join(["image,label,split", *rows]))

    def verified(**settings: object) -> Verification:
        recipe = folder / "own.toml"
        text = (Path(attnmel.__file__).parent / "recipes/demo.toml").read_text(encoding="utf-8")
        lines = "".join(f"\n{key} = {value}" for key, value in settings.items())
        recipe.write_text(text.replace("[data]", f"[data]{lines}"), encoding="utf-8")
        (found,) = attnmel.datasets.verify(folder, recipe=recipe, home=folder.parent / "home")
        return found

    looked_at = "the files of images that a training does not use are looked at all the same"
    few = verified(exclude=["a", "b"], limit=3)
    assert few.findings == ()
    assert few.notes[-3:] == (
        "2 of 8 images of clinic are left out by data.exclude",
        "trained on 2 of 2 training images of clinic, which are fewer than data.limit = 3",
        looked_at,
    )
    assert few.counts["images"] == 8
    assert [one.detail.split(".")[0] for one in verified(exclude=["h"]).findings] == [
        "the split 'test' has no melanoma (it has 1 rest)"
    ]
    assert verified(limit=1).findings[0].detail.startswith("the split 'train' has no ")
    (emptied,) = verified(exclude=["g", "h"]).findings
    assert emptied.detail == "no image is in the split 'test': data.exclude leaves out all 2 of it"
    (unknown,) = verified(exclude=["a", "nobody"]).findings
    assert (unknown.kind, unknown.image_id, unknown.severity) == ("excluded image unknown", "nobody", "error")
    (folder / "h.png").write_bytes(b"nothing")
    assert [one.kind for one in verified(exclude=["h", "g"]).findings] == ["image unusable", "split without class"]


def test_a_patient_who_is_most_of_the_images_is_told(folder: Path) -> None:
    for number in range(8):
        shutil.copy(folder / "a.png", folder / f"{number}.png")
    rows = [*(f"{number},nevus,p1" for number in range(5)), "5,nevus,NA", "6,nevus,NA", "7,nevus,NA"]
    (folder / "labels.csv").write_text("\n".join(["image,label,group", *rows, "a,nevus,", "b,nevus,", "c,nevus,"]))
    ((kind, told),) = details(folder)
    assert kind == "large group"
    assert told.startswith(
        "the group 'p1' holds 5 of 11 images, and a split should hold 15 % of them; is it one patient?"
    )


def test_an_image_without_a_row_and_a_group_on_two_sides_are_told(folder: Path) -> None:
    (folder / "labels.csv").write_text("image,label,group,split\na,nevus,p1,train\nb,nevus,p1,test\n")
    assert details(folder) == [
        ("id on two sides", "images of the group 'p1' are on two sides"),
        ("image without row", "no row of labels.csv names it"),
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
    (folder / "labels.csv").write_text("name\na\n")
    found = details(folder)
    assert [kind for kind, _ in found] == ["folder table"] * 2
    assert [told.split(",")[1] for _, told in found] == [
        " column image: found no such column",
        " column label: found no such column",
    ]


def test_a_name_that_is_no_data_set_is_answered_with_those_there_are(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown data set 'isic2071' \(did you mean 'isic2017'\?\); known: derm7pt"):
        verify_dataset("isic2071", folder)
    with pytest.raises(ConfigError, match=r"the folder .*clinic has no labels\.csv; expected one with a row an image"):
        verify_dataset(str(folder), folder)
    (folder / "Labels.xlsx").touch()
    with pytest.raises(ConfigError, match=r"save it as CSV .*under the name labels\.csv: Labels\.xlsx is not read"):
        verify_dataset(str(folder), folder)
    (folder / "labels.tsv").touch()
    with pytest.raises(ConfigError, match=r"rename labels\.tsv to labels\.csv"):
        verify_dataset(str(folder), folder)
