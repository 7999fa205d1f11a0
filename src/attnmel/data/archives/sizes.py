"""About how large the official files are, so that a download can be weighed before it. No torch.

As the archive's data page gives them (challenge.isic-archive.com/data, read in its templates, November 2026): rounded,
in powers of 1024. Files that it does not list, as those at Harvard Dataverse, have no size here.
"""

from collections.abc import Mapping

KB, MB, GB = 1024, 1024**2, 1024**3

_ISIC2016 = {
    "ISBI2016_ISIC_Part1_Training_GroundTruth.zip": 6 * MB,
    "ISBI2016_ISIC_Part1_Test_GroundTruth.zip": 2 * MB,
    "ISBI2016_ISIC_Part3_Training_Data.zip": 602 * MB,
    "ISBI2016_ISIC_Part3_Training_GroundTruth.csv": 19 * KB,
    "ISBI2016_ISIC_Part3_Test_Data.zip": 232 * MB,
    "ISBI2016_ISIC_Part3_Test_GroundTruth.csv": 7 * KB,
}
_ISIC2017 = {
    "ISIC-2017_Training_Data.zip": 5.8 * GB,
    "ISIC-2017_Training_Part1_GroundTruth.zip": 9 * MB,
    "ISIC-2017_Training_Part2_GroundTruth.zip": 710 * KB,
    "ISIC-2017_Training_Part3_GroundTruth.csv": 43 * KB,
    "ISIC-2017_Validation_Data.zip": 878 * MB,
    "ISIC-2017_Validation_Part1_GroundTruth.zip": 559 * KB,
    "ISIC-2017_Validation_Part2_GroundTruth.zip": 51 * KB,
    "ISIC-2017_Validation_Part3_GroundTruth.csv": 3 * KB,
    "ISIC-2017_Test_v2_Data.zip": 5.4 * GB,
    "ISIC-2017_Test_v2_Part1_GroundTruth.zip": 18 * MB,
    "ISIC-2017_Test_v2_Part2_GroundTruth.zip": 210 * KB,
    "ISIC-2017_Test_v2_Part3_GroundTruth.csv": 13 * KB,
}
_ISIC2018 = {
    "ISIC2018_Task1-2_Training_Input.zip": 10.4 * GB,
    "ISIC2018_Task1_Training_GroundTruth.zip": 26 * MB,
    "ISIC2018_Task2_Training_GroundTruth_v3.zip": 33 * MB,
    "ISIC2018_Task3_Training_Input.zip": 2.6 * GB,
    "ISIC2018_Task3_Training_GroundTruth.zip": 36 * KB,
    "ISIC2018_Task3_Training_LesionGroupings.csv": 481 * KB,
    "ISIC2018_Task3_Validation_Input.zip": 51 * MB,
    "ISIC2018_Task3_Validation_GroundTruth.zip": 7 * KB,
    "ISIC2018_Task3_Test_Input.zip": 401 * MB,
}
_LATER = {
    "ISIC_2019_Training_Input.zip": 9.1 * GB,
    "ISIC_2019_Training_GroundTruth.csv": 1 * MB,
    "ISIC_2019_Training_Metadata.csv": 1 * MB,
    "ISIC_2019_Test_Input.zip": 3.6 * GB,
    "ISIC_2019_Test_GroundTruth.csv": 454 * KB,
    "ISIC_2019_Test_Metadata.csv": 287 * KB,
    "ISIC_2020_Training_JPEG.zip": 23 * GB,
    "ISIC_2020_Training_GroundTruth_v2.csv": 2 * MB,
    "MILK10k_Training_Input.zip": 314 * MB,
    "MILK10k_Training_Metadata.csv": 2 * MB,
    "MILK10k_Training_GroundTruth.csv": 287 * KB,
}

ABOUT_BYTES: Mapping[str, int] = {
    name: round(size) for name, size in (_ISIC2016 | _ISIC2017 | _ISIC2018 | _LATER).items()
}
"""By file name."""


def size_in_words(about_bytes: int | None) -> str:
    """Return a size as the archive writes it, for example "5.8 GB" or "43 KB"; "unknown size" for None."""
    if about_bytes is None:
        return "unknown size"
    unit, name = next(((unit, name) for unit, name in ((GB, "GB"), (MB, "MB")) if about_bytes >= unit), (KB, "KB"))
    return f"{about_bytes / unit:.1f} {name}" if unit == GB else f"{about_bytes / unit:.0f} {name}"
