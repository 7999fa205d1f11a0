"""Any file of readings -> the readings as arrays."""

from pathlib import Path

from attnmel.data.tables.text import LARGEST
from attnmel.errors import ReadingsError
from attnmel.pipeline.study.analysis.imrmc import begins_data, is_bare, parse_imrmc
from attnmel.pipeline.study.analysis.readings_table import read_readings_table
from attnmel.pipeline.study.analysis.study_data import StudyData


def read_study(file: Path) -> StudyData:
    """Return the readings of an .imrmc file or a long table; which of both it is shows in the file, not in its name.

    Raises:
        ReadingsError: the file cannot be used; says what was found and what was expected.
    """
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise ReadingsError(f"{file} {what}; name a file of readings, such as readings.csv or readings.imrmc")
    if file.stat().st_size > LARGEST:
        raise ReadingsError(f"{file} is larger than {LARGEST >> 20} MiB; expected a table of readings")
    content = file.read_bytes()
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        lines = content.decode("cp1252", "replace").splitlines()
    if any(map(begins_data, lines)) or is_bare(lines):
        return parse_imrmc(file, lines)
    if file.suffix.lower() == ".imrmc":
        raise ReadingsError(f"{file} has no line 'BEGIN DATA:'; expected it before the readings")
    return read_readings_table(file)
