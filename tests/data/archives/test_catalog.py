"""The lists of official files: published counts, names and places."""

from collections import Counter
from pathlib import Path

import pytest

from attnmel.data.archives.catalog import ARCHIVES, OFFICIAL_ADDRESS


def counts(dataset: str) -> dict[tuple[str, str], int | None]:
    return {(archive.role, archive.split): archive.expected for archive in ARCHIVES[dataset]}


def test_the_lists_hold_the_published_counts() -> None:
    for dataset, splits in {
        "isic2016": {"train": 900, "test": 379},
        "isic2017": {"train": 2000, "validation": 150, "test": 600},
    }.items():
        roles = ["images", "masks", "labels", *(["superpixel features"] if dataset == "isic2017" else [])]
        expected = {(role, split): n for split, n in splits.items() for role in roles}
        assert counts(dataset) == expected
    assert counts("isic2018") == {
        ("images", "train"): 10_015,
        ("labels", "train"): 10_015,
        ("masks", "train"): 10_015,
        ("lesion groups", "train"): 10_015,
        ("metadata", "train"): 10_015,
        ("images", "validation"): 193,
        ("labels", "validation"): 193,
        ("images", "test"): 1512,
        ("labels", "test"): 1512,
    }
    assert counts("isic2018-task1") == {
        ("images", "train"): 2594,
        ("masks", "train"): 2594,
        ("feature masks", "train"): 12_970,
    }
    assert {archive.name for archive in ARCHIVES["phantoms"]} == {archive.name for archive in ARCHIVES["isic2017"]}


@pytest.mark.parametrize("dataset", ARCHIVES)
def test_every_file_has_a_place_of_its_own(dataset: str) -> None:
    archives = ARCHIVES[dataset]
    places = Counter(archive.location(Path("home")) for archive in archives)
    assert set(places.values()) == {1}
    assert len({(archive.role, archive.split) for archive in archives}) == len(archives)
    for archive in archives:
        assert (archive.location(Path("home")).suffix == ".csv") == archive.is_table


def test_a_zipped_table_lies_beside_the_folders() -> None:
    (zipped,) = (one for one in ARCHIVES["isic2018"] if one.name == "ISIC2018_Task3_Test_GroundTruth.zip")
    assert zipped.location(Path("home")) == Path("home/data/isic2018/ISIC2018_Task3_Test_GroundTruth.csv")


def test_masks_of_ham10000_lie_elsewhere_but_with_the_others_on_a_mirror() -> None:
    (masks,) = (one for one in ARCHIVES["isic2018"] if one.role == "masks")
    assert masks.address(OFFICIAL_ADDRESS) == "https://dataverse.harvard.edu/api/access/datafile/3838943"
    assert masks.address("file:///m") == "file:///m/2018/HAM10000_segmentations_lesion_tschandl.zip"
    for archive in ARCHIVES["isic2016"] + ARCHIVES["isic2017"]:
        assert archive.address(OFFICIAL_ADDRESS) == f"{OFFICIAL_ADDRESS}/{archive.year}/{archive.name}"
