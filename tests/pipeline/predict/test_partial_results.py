"""Answers are kept to the last whole one, whatever a stop, a full disk or another program did to their file."""

import resource
import signal
from pathlib import Path

import pytest

from attnmel.errors import ConfigError, PredictionsError
from attnmel.pipeline.predict.partial_results import KeptAnswers
from attnmel.pipeline.predict.table import Answer

WITH = {"model": "a", "precision": "float32"}
ANSWERS = (Answer("a\nb.jpg", (0.1, 0.9)), Answer("\udcff.jpg", (), "no image"), Answer("c.jpg", (1 / 3, 2 / 3)))
NAMES = [answer.image for answer in ANSWERS]


@pytest.fixture
def kept(tmp_path: Path) -> KeptAnswers:
    kept = KeptAnswers(tmp_path / "new" / "out.csv")
    kept.begin(WITH)
    with kept.adding() as add:
        for answer in ANSWERS:
            add(answer)
    return kept


def test_what_is_kept_is_read_back_to_the_last_bit(kept: KeptAnswers) -> None:
    assert tuple(kept.read()) == ANSWERS
    kept.remove()
    assert not kept.path.exists()


@pytest.mark.parametrize("together", [1, 2, 3, 4])
def test_a_cut_at_any_byte_leaves_whole_groups_of_answers(kept: KeptAnswers, together: int) -> None:
    whole = kept.path.read_bytes()
    head = whole.index(b"\n") + 1
    for length in range(head, len(whole) + 1):
        kept.path.write_bytes(whole[:length])
        number = kept.resume(WITH, NAMES, together=together)
        assert number == whole[head:length].count(b"\n") // together * together
        assert tuple(kept.read()) == ANSWERS[:number]


def test_nothing_to_go_on_with_is_a_beginning(tmp_path: Path) -> None:
    kept = KeptAnswers(tmp_path / "out.csv")
    assert kept.resume(WITH, NAMES) == 0
    assert list(kept.read()) == []


def test_a_file_of_another_kind_is_refused(kept: KeptAnswers) -> None:
    whole = kept.path.read_bytes()
    for damaged in (b"image,melanoma\n", whole + b"a.jpg,0.5\n", whole + b"3\n"):
        kept.path.write_bytes(damaged)
        with pytest.raises(ConfigError, match="holds no answers of a stopped prediction, or damaged ones; delete it"):
            kept.resume(WITH, [*NAMES, "d.jpg"])


def test_every_difference_is_told(kept: KeptAnswers) -> None:
    with pytest.raises(ConfigError, match="made otherwise: precision was float32, and is bf16; engine was none, and"):
        kept.resume({"model": "a", "precision": "bf16", "engine": "x"}, NAMES)


def test_a_full_disk_keeps_the_answers_before(kept: KeptAnswers) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (kept.path.stat().st_size + 10, limits[1]))
    try:
        with (
            pytest.raises(PredictionsError, match=r"answers so far are kept there: make room, and go on with --resume"),
            kept.adding() as add,
        ):
            add(Answer("d.jpg", (0.5, 0.5)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert kept.resume(WITH, [*NAMES, "d.jpg"]) == 3
