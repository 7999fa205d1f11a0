"""The same readings as studies, spreadsheets and R write them, and what of them cannot be read."""

from dataclasses import dataclass
from pathlib import Path

TRUTH = {"a": 0, "b": 0, "c": 1, "d": 1}
SCORES = {("ana", "alone"): (1, 3, 2, 4), ("ben", "alone"): (0.5, 2, 2, 9), ("ana", "aided"): (1, 2, 3, 4)}
"""Of cases a, b, c and d. AUCs: 0.75, 0.875 and 1."""

ROWS = [
    (reader, case, modality, score, TRUTH[case])
    for (reader, modality), scores in SCORES.items()
    for case, score in zip(TRUTH, scores, strict=True)
]
GERMAN = {"alone": "allein", "aided": "mit KI"}


@dataclass(frozen=True)
class StrangeReadings:
    """A file of the readings above in another form."""

    name: str
    content: bytes
    notes: tuple[str, ...] = ()
    modalities: tuple[str, str] = ("alone", "aided")
    beside: tuple[str, bytes] | None = None
    """A file next to it."""


@dataclass(frozen=True)
class BrokenReadings:
    """A file that is refused."""

    name: str
    content: bytes
    sentence: str


def table(head: str, rows: list[str], end: str = "\n") -> bytes:
    """Return the bytes of a table in UTF-8."""
    return (end.join([head, *rows]) + end).encode()


def long(separator: str = ",", *, comma: bool = False) -> list[str]:
    """Return a line for each reading."""
    lines = [separator.join(map(str, row)) for row in ROWS]
    return [line.replace(".", ",") for line in lines] if comma else lines


def imrmc() -> list[str]:
    """Return the lines of the .imrmc format after its head."""
    truth = [f"truth,{case},truth,{value}" for case, value in TRUTH.items()]
    return [*truth, *(f"{reader},{case},{modality},{score}" for reader, case, modality, score, _ in ROWS)]


def german_rows() -> list[str]:
    """Return the lines of a German spreadsheet: semicolons, decimal commas, words."""
    words = ("gutartig", "bösartig")
    return [
        f"{reader};{case};{GERMAN[modality]};{score};{words[truth]}".replace(".", ",")
        for reader, case, modality, score, truth in ROWS
    ]


def by_modality() -> list[str]:
    """Return a line for each reader and case, a column for each modality."""
    lines = []
    for reader in ("ana", "ben"):
        for place, case in enumerate(TRUTH):
            aided = SCORES.get((reader, "aided"))
            lines.append(
                f"{case},{TRUTH[case]},{reader},{SCORES[reader, 'alone'][place]},{aided[place] if aided else ''}"
            )
    return lines


def by_reader() -> list[str]:
    """Return a line for each case and modality, a column for each reader."""
    return [
        ",".join(
            [case, str(TRUTH[case]), modality]
            + [str(SCORES[key][place]) if (key := (reader, modality)) in SCORES else "" for reader in ("ana", "ben")]
        )
        for modality in ("alone", "aided")
        for place, case in enumerate(TRUTH)
    ]


HEAD = "reader,case,modality,score,truth"
GERMAN_HEAD = "Leser;Fall;Modalität;Bewertung;Wahrheit"

READABLE = [
    StrangeReadings("plain", table(HEAD, long())),
    StrangeReadings("semicolons", table(HEAD.replace(",", ";"), long(";"))),
    StrangeReadings("decimal commas", table(HEAD.replace(",", ";"), long(";", comma=True))),
    StrangeReadings("German", table(GERMAN_HEAD, german_rows()), modalities=("allein", "mit KI")),
    StrangeReadings(
        "German of Windows",
        "\r\n".join([GERMAN_HEAD, *german_rows()]).encode("cp1252"),
        modalities=("allein", "mit KI"),
    ),
    StrangeReadings("byte order mark", b"\xef\xbb\xbf" + table(HEAD, long())),
    StrangeReadings("UTF-16", table(HEAD, long()).decode().encode("utf-16")),
    StrangeReadings("sep= of Excel", b"sep=;\r\n" + table(HEAD.replace(",", ";"), long(";"), "\r\n")),
    StrangeReadings("Windows line ends", table(HEAD, long(), "\r\n")),
    StrangeReadings("mixed case", table("READER ID,Case,Modality,SCORE,Truth", long())),
    StrangeReadings(
        "words of any case",
        table(HEAD, [line[:-1] + ("Melanoma" if line[-1] == "1" else "BENIGN") for line in long()]),
    ),
    StrangeReadings(
        "a column for each modality",
        table("case,truth,reader,alone,aided", by_modality()),
        notes=("the columns alone, aided were read as modalities",),
    ),
    StrangeReadings(
        "a column for each reader",
        table("case,truth,modality,ana,ben", by_reader()),
        notes=("the columns ana, ben were read as readers",),
    ),
    StrangeReadings(
        "truth in one row of each case",
        table(HEAD, [line if line.startswith("ana") and "alone" in line else line[:-1] for line in long()]),
    ),
    StrangeReadings(
        "truth in a table beside",
        table("reader,case,modality,score", [line[:-2] for line in long()]),
        beside=("truth.csv", table("Case;Truth", [f"{case};{value}" for case, value in TRUTH.items()])),
    ),
    StrangeReadings("data frame of R", table('"readerID","caseID","modalityID","score"', imrmc())),
    StrangeReadings("imrmc", table("Two readers\nN0: 2\nBEGIN DATA:", imrmc())),
    StrangeReadings("imrmc without its head", table(imrmc()[0], imrmc()[1:])),
    StrangeReadings("imrmc of Windows", table("BEGIN DATA:", imrmc(), "\r\n")),
]

BROKEN = [
    BrokenReadings(
        "truth of no case",
        table(HEAD, [*long(), "ana,e,alone,3,"]),
        "line 14: found a reading of case 'e', expected a row with its truth",
    ),
    BrokenReadings(
        "a reading twice",
        table(HEAD, [*long(), long()[0]]),
        "line 14: found reader 'ana' and case 'a' with 'alone' a second time, expected one reading (as in line 2), or "
        "a column 'repeat' with 1 for the second",
    ),
    BrokenReadings(
        "truth that changes",
        table(HEAD, [*long(), "eva,a,alone,3,1"]),
        "line 14, column truth: found another truth of case 'a', expected that of rows before",
    ),
    BrokenReadings(
        "a word for a score",
        table(HEAD, [*long(), "eva,a,alone,high,0"]),
        "line 14, column score: found 'high', expected a number, or nothing where it was not read",
    ),
]


def write(folder: Path, name: str, content: bytes) -> Path:
    """Write one file; the ending is that of the format."""
    file = folder / f"readings.{'imrmc' if name.startswith('imrmc') else 'csv'}"
    file.write_bytes(content)
    return file
