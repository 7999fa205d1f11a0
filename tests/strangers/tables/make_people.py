"""Tables of the age and sex of images as other people's programs write them, each with its right answer."""

from dataclasses import dataclass
from pathlib import Path

Answer = dict[str, dict[str, str]]

PLAIN: Answer = {"a": {"age": "45", "sex": "female"}, "b": {"sex": "male"}}


@dataclass(frozen=True)
class StrangeTable:
    """A table in another form than the plain one."""

    name: str
    table: bytes
    answer: Answer


TABLES = (
    StrangeTable("plain.csv", b"image,age,sex\na.jpg,45,female\nb.jpg,,male\n", PLAIN),
    StrangeTable("words.csv", b"Sex;Age;Image;note\nF;45 years;A.JPG;x\nm;unknown;photos/b.jpg;\n", PLAIN),
    StrangeTable("metadata-of-isic-2017.tsv", b"image_id\tage_approximate\tsex\na\t45\tfemale\nb\tNaN\tMale\n", PLAIN),
    StrangeTable(
        "archive.csv",
        "\ufeffisic_id,diagnosis,age_approx,gender\na,melanoma,45.0,w\nb,nevus,n/a,männlich\n".encode(),
        PLAIN,
    ),
    StrangeTable("utf-16.csv", "image,age,sex\r\na,45,weiblich\r\nb,,M\r\n".encode("utf-16"), PLAIN),
    StrangeTable(
        "windows.csv", "image;age;sex\na;44,5;männlich\n".encode("cp1252"), {"a": {"age": "44.5", "sex": "male"}}
    ),
    StrangeTable(
        "ranges.csv",
        b"image,age\na,40-50\nb,85+\nc,>70\n",
        {"a": {"age": "45"}, "b": {"age": "85"}, "c": {"age": "70"}},
    ),
)


def make_people(folder: Path) -> None:
    """Write the tables into a folder."""
    for one in TABLES:
        (folder / one.name).write_bytes(one.table)
