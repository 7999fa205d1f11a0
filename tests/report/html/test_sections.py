"""Notes are printed as sentences, wherever they were written."""

import pytest

from attnmel.report.html.page import environment
from attnmel.report.html.sections import Section, sentence


@pytest.mark.parametrize(
    ("note", "printed"),
    [
        ("the network saw 57 % of an image's area on average", "The network saw 57 % of an image's area on average."),
        ("a segmenter of other data", "A segmenter of other data."),
        ("melanoma: 5 images against 9", "Melanoma: 5 images against 9."),
        ("Already one.", "Already one."),
        ("leakage.csv lists them", "leakage.csv lists them."),
        ("isic2017 was cut", "isic2017 was cut."),
        ("p is corrected by Holm", "p is corrected by Holm."),
        ("7 of 9 images are left out", "7 of 9 images are left out."),
    ],
)
def test_a_note_is_printed_as_a_sentence(note: str, printed: str) -> None:
    assert sentence(note) == printed


@pytest.mark.parametrize("name", ["audit.html", "contact_sheet.html", "parts.html", "run.html"])
def test_every_note_of_a_page_goes_through_one_filter(name: str) -> None:
    loader = environment().loader
    assert loader is not None
    text, _, _ = loader.get_source(environment(), name)
    assert text.count("{{ note") == text.count("{{ note | sentence }}") > 0


def test_the_notes_of_a_section_begin_with_a_capital_letter() -> None:
    page = environment().from_string("{% import 'parts.html' as parts %}{{ parts.topic(section, 'run', 3) }}")
    section = Section(name="seen", title="Seen", notes=("warnings on 2 images",))
    assert "<p>Warnings on 2 images.</p>" in page.render(section=section)
