"""What is frozen cannot be changed unnoticed; what cannot be made leaves nothing behind."""

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.pipeline.study.small_study import open_study, small_study, write_folder, write_machine

from attnmel.data.datasets.own.folder import TableReading
from attnmel.errors import ConfigError
from attnmel.pipeline.study.days import parsed_day
from attnmel.pipeline.study.draw_cases import diseased_classes, parsed_counts
from attnmel.pipeline.study.machines import disease_classes
from attnmel.pipeline.study.new_study import NewStudy, make_study
from attnmel.pipeline.study.study_file import Study, StudyFolder, freeze, hash_of, open_frozen


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Study, dict[str, str]]:
    return small_study(tmp_path_factory.mktemp("made"), wrong=True, ends=date(2030, 1, 2))


def test_a_study_is_read_as_it_was_frozen(made: tuple[Path, Study, dict[str, str]]) -> None:
    path, study, _ = made
    with open_study(path) as opened:
        assert opened.study == study
        assert [one.name for one in opened.store.readers()] == ["ana", "ben", "eve"]
    assert study.experience == {"ben": "resident"}
    kinds = [(one.diseased, one.training) for one in study.cases]
    assert (kinds.count((True, False)), kinds.count((False, False)), len(kinds)) == (4, 4, 9)


@pytest.mark.parametrize(
    "change",
    [
        lambda study: study["cases"][3].update(diseased=not study["cases"][3]["diseased"]),
        lambda study: study["machines"][0]["probabilities"].update(SECRET_001=0.99),
        lambda study: study.update(endpoint="whatever came out best"),
        lambda study: study.update(completion=0.1),
        lambda study: study.update(seed=1),
        lambda study: study.update(ends=None),
    ],
)
def test_a_changed_file_is_refused(
    made: tuple[Path, Study, dict[str, str]], tmp_path: Path, change: Callable[[Any], None]
) -> None:
    plain = json.loads(StudyFolder(made[0]).file.read_text())
    change(plain["study"])
    StudyFolder(tmp_path).file.write_text(json.dumps(plain))
    with pytest.raises(ConfigError, match=r"study.json was changed after it was frozen; restore it, or freeze a new"):
        open_frozen(StudyFolder(tmp_path))


def test_a_changed_file_with_a_new_hash_does_not_fit_the_answers(tmp_path: Path) -> None:
    path, study, _ = small_study(tmp_path)
    freeze(study.model_copy(update={"endpoint": "another"}), StudyFolder(path))
    with (
        pytest.raises(ConfigError, match=r"the answers in the database belong to another study file \(other hash\)"),
        open_study(path),
    ):
        pass


def test_a_changed_picture_is_refused(tmp_path: Path) -> None:
    path, study, _ = small_study(tmp_path)
    image = StudyFolder(path).images / study.cases[2].image
    image.write_bytes(image.read_bytes() + b" ")
    with (
        pytest.raises(ConfigError, match=r"0003.jpg is missing or was changed after the study was frozen"),
        open_study(path),
    ):
        pass


def test_the_hash_is_of_the_content_not_of_its_layout(made: tuple[Path, Study, dict[str, str]], tmp_path: Path) -> None:
    plain = json.loads(StudyFolder(made[0]).file.read_text())
    StudyFolder(tmp_path).file.write_text(json.dumps(plain, indent=7, sort_keys=True))
    assert open_frozen(StudyFolder(tmp_path)) == (made[1], hash_of(made[1]))


def test_tokens_are_kept_nowhere(made: tuple[Path, Study, dict[str, str]]) -> None:
    content = [one.read_bytes() for one in made[0].rglob("*") if one.is_file()]
    assert len(content) > 5
    assert not [token for token in made[2].values() if any(token.encode() in one for one in content)]
    assert len({*made[2].values()}) == 3
    assert min(map(len, made[2].values())) == 32


def test_the_same_seed_draws_the_same_cases(made: tuple[Path, Study, dict[str, str]], tmp_path: Path) -> None:
    _, again, tokens = small_study(tmp_path / "again", wrong=True, ends=date(2030, 1, 2))
    _, other, _ = small_study(tmp_path / "other", seed=5)
    assert again.cases == made[1].cases
    assert other.cases != made[1].cases
    assert not {*tokens.values()} & {*made[2].values()}


def test_the_wrong_machine_is_as_wrong_as_the_other_is_right(made: tuple[Path, Study, dict[str, str]]) -> None:
    right, wrong = made[1].machines
    truth = {one.case: one.diseased for one in made[1].cases}
    assert (right.wrong, wrong.wrong) == (False, True)
    for case, diseased in truth.items():
        assert (right.probabilities[case] > 0.5) == diseased
        assert (wrong.probabilities[case] > 0.5) != diseased
    assert set(wrong.probabilities.values()) <= set(right.probabilities.values()), "its numbers look like the other's"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"count": 7}, "6 images of the class melanoma; expected 7, so draw fewer"),
        ({"count": 6}, "0 images left for practice; expected 1: draw fewer cases"),
        ({"machines": ()}, "the design sequential shows a machine; name one by --machine, or choose --design alone"),
        ({"readers": ["ana", "ana=resident"]}, "two readers have the same name; give each its own"),
        ({"readers": ["Truth"]}, "the reader 'Truth'; in the exported readings that name is taken, choose another"),
        ({"readers": ["ana", "net"]}, "the reader 'net'; in the exported readings that name is taken, choose another"),
        ({"readers": ["a,b"]}, "the reader 'a,b'; expected a name of 1 to 80 letters without a comma"),
        ({"repeats": 5}, "5 repeated images; expected at most half of all 8"),
        ({"repeats": -1}, "-1 repeated images; expected 0 or more"),
        ({"training": -1}, "-1 practice cases; expected 0 or more"),
        ({"design": "crossed", "washout_days": -1}, "a washout of -1 days; expected 0 or more"),
        ({"management": ["x" * 201]}, f"the management '{'x' * 80}'; expected 1 to 200 letters"),
        ({"management": ["watch", " "]}, "the management ' '; expected 1 to 200 letters"),
        ({"management": ["watch", "watch"]}, "the management 'watch' is there twice; name it once"),
        ({"completion": 0.0}, "a completion rule of 0; expected a share above 0 and at most 1"),
        ({"ends": date(2000, 1, 2)}, "the last day 2000-01-02 is over; expected today ("),
        ({"show": "map"}, "--show map: a machine has no attention maps; choose --show probability"),
        ({"counts": {"nevus": 3}}, "the drawn classes are nevus; expected at least one that is diseased"),
        ({"counts": {"melnom": 3, "nevus": 3}}, "the drawn classes are melnom, nevus; expected"),
    ],
)
def test_what_is_not_possible_is_said_and_leaves_nothing(
    tmp_path: Path, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        small_study(tmp_path, **options)
    assert str(caught.value).startswith(sentence)
    assert sorted(one.name for one in tmp_path.iterdir()) in (["images", "net.csv"], ["images"])


def test_a_crossed_study_does_not_end_before_its_second_session(tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    with pytest.raises(ConfigError, match=r"comes before any second session, which opens .* choose a later --ends, or"):
        small_study(tmp_path / "a", design="crossed", ends=today + timedelta(days=27))
    assert small_study(tmp_path / "b", design="crossed", ends=today + timedelta(days=28))[1].ends is not None
    assert small_study(tmp_path / "c", ends=today)[1].ends == today, "another design has one session"


@pytest.mark.parametrize("name", ["alone", "Allein", "truth", "-1"])
def test_a_machine_has_no_name_of_the_exported_readings(tmp_path: Path, name: str) -> None:
    net = write_machine(tmp_path / "net.csv")
    with pytest.raises(ConfigError, match=f"the machine '{name}'; in the exported readings that name is taken, choose"):
        small_study(tmp_path / "s", machines=(f"{name}={net}",))


def test_two_machines_without_names_are_told_how_to_name_one(tmp_path: Path) -> None:
    net = write_machine(tmp_path / "net.csv")
    with pytest.raises(
        ConfigError, match=r"two machines have the name 'net'; give each its own, as NAME=PATH; a model"
    ):
        small_study(tmp_path / "s", machines=(str(net), str(net)))


def test_a_folder_with_a_study_is_not_overwritten(tmp_path: Path) -> None:
    path, _, _ = small_study(tmp_path)
    before = StudyFolder(path).file.read_bytes()
    plan = NewStudy(
        dataset=str(tmp_path / "images"),
        counts={"melanoma": 2, "nevus": 2},
        readers=["x"],
        design="alone",
    )
    with pytest.raises(ConfigError) as refused:
        make_study(path, plan, tmp_path)
    assert str(refused.value) == (
        f"{path} holds a frozen study already; serve it by `attnmel study serve {path}`, or name another folder for a "
        "new one. A reader's lost link is replaced by `attnmel study link`"
    )
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    with pytest.raises(ConfigError, match="holds other files than a new study"):
        make_study(tmp_path / "full", plan, tmp_path)
    assert StudyFolder(path).file.read_bytes() == before


def test_a_table_of_a_machine_must_have_every_case(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "x")
    assert folder.is_dir()
    short = write_machine(tmp_path / "short.csv", cases=2)
    with pytest.raises(ConfigError, match=r"short.csv has no row for 7 of the cases"):
        small_study(tmp_path, machines=[str(short)])
    short.write_text("image,probability\n" + "".join(f"SECRET_{number:03d},1.5\n" for number in range(12)))
    with pytest.raises(ConfigError, match=r"gives '1.5' for SECRET_\d+; expected a probability between 0 and 1"):
        small_study(tmp_path / "b", machines=[str(short)])


def test_of_a_case_with_two_rows_no_number_is_taken_for_the_other(tmp_path: Path) -> None:
    table = write_machine(tmp_path / "twice.csv")
    rows = table.read_text()
    table.write_text(rows + "elsewhere/SECRET_003.png,0.123\n")
    with pytest.raises(ConfigError, match=r"twice\.csv, line 14: another row of SECRET_003 with other numbers; keep"):
        small_study(tmp_path / "a", machines=[str(table)], count=5)
    table.write_text(rows + "SECRET_003,0.703\nnot_drawn,0.1\nnot_drawn,0.2\n")
    _, study, _ = small_study(tmp_path / "b", machines=[str(table)], count=5)
    assert study.machines[0].probabilities["SECRET_003"] == 0.703


def test_a_case_whose_name_has_a_dot_is_found_in_the_table_of_a_machine(tmp_path: Path) -> None:
    folder, table = write_folder(tmp_path / "own"), write_machine(tmp_path / "own.csv")
    for path in folder.glob("*.png"):
        path.rename(path.with_name(path.name.replace("SECRET_", "SECRET.")))
    for path in (folder / "labels.csv", table):
        path.write_text(path.read_text().replace("SECRET_", "SECRET."))
    _, study, _ = small_study(tmp_path, dataset=str(folder), machines=[f"own={table}"])
    assert all(name.startswith("SECRET.") for name in study.machines[0].probabilities)


def test_counts_and_diseased_classes() -> None:
    assert parsed_counts(["melanoma=20", "a=b=3"]) == {"melanoma": 20, "a=b": 3}
    with pytest.raises(ConfigError, match="--count melanoma; expected a class and how many"):
        parsed_counts(["melanoma"])
    assert diseased_classes((), ("MEL", "NV")) == {"MEL"}
    assert diseased_classes(("NV",), ("MEL", "NV")) == {"NV"}


def write_shares(path: Path, *classes: str) -> Path:
    """Write what `attnmel predict` writes: the n-th of the classes has the probability n / 10."""
    header = ",".join(["image", *(f"probability_{name}" for name in classes)])
    shares = ",".join(f"{number / 10}" for number, _ in enumerate(classes, start=1))
    path.write_text("\n".join([header, *(f"SECRET_{number:03d}.png,{shares}" for number in range(12))]) + "\n")
    return path


@pytest.mark.parametrize(
    ("classes", "diseased", "shown"),
    [
        (("rest", "melanoma"), (), 0.2),
        (("rest", "melanoma"), ("nevus",), 0.1),
        (("BCC", "NV", "DF", "MEL"), ("melanoma",), 0.4),
        (("BCC", "NV", "DF", "MEL"), ("nevus",), 0.2),
        (("malignant", "benign"), (), 0.1),
    ],
)
def test_the_probability_of_a_machine_is_that_of_the_diseased_classes(
    tmp_path: Path, classes: tuple[str, ...], diseased: tuple[str, ...], shown: float
) -> None:
    table = write_shares(tmp_path / "net.csv", *classes)
    _, study, _ = small_study(tmp_path / "s", machines=[str(table)], diseased=diseased)
    assert set(study.machines[0].probabilities.values()) == {shown}


def test_the_probabilities_of_several_diseased_classes_are_added() -> None:
    kinds = {"melanoma": True, "BCC": True, "nevus": False}
    assert disease_classes("net", ("NV", "BCC", "MEL"), kinds) == ("MEL", "BCC")
    with pytest.raises(ConfigError) as refused:
        disease_classes("net", ("rest", "melanoma"), kinds)
    assert str(refused.value) == (
        "the machine net has one class, 'rest', for BCC, which is diseased here, and nevus, which is not, so it has no "
        "probability of the disease; choose another machine, or other classes by --count and --diseased"
    )
    with pytest.raises(
        ConfigError, match="has the classes NV, MEL, none of which is BCC, which is diseased here; choose"
    ):
        disease_classes("net", ("NV", "MEL"), kinds)


def test_columns_and_classes_have_the_names_of_the_user(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "images")
    table = folder / "labels.csv"
    text = table.read_text().replace("image,label", "datei,diagnose")
    table.write_text(
        text.replace("melanoma", "Melanom").replace("nevus", "N\N{LATIN SMALL LETTER A WITH DIAERESIS}vus")
    )
    plan = NewStudy(
        dataset=str(folder),
        counts={"melanoma": 2, "nevus": 2},
        readers=["ana"],
        design="alone",
        reading=TableReading(columns={"image": "datei", "label": "diagnose"}),
    )
    study, _ = make_study(tmp_path / "s", plan, tmp_path)
    assert {(one.diagnosis, one.diseased) for one in study.cases} == {("melanoma", True), ("nevus", False)}
    twice = dataclasses.replace(plan, counts={"melanoma": 2, "Melanom": 2, "nevus": 2})
    with pytest.raises(ConfigError, match="two of the classes melanoma, Melanom, nevus are one class of the data set"):
        make_study(tmp_path / "t", twice, tmp_path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("28.12.2026", "the last day '28.12.2026'; expected YEAR-MONTH-DAY, such as 2026-12-28"),
        ("3.4.2031", "the last day '3.4.2031'; expected YEAR-MONTH-DAY, such as 2031-04-03"),
        ("3/4/2031", "the last day '3/4/2031'; expected YEAR-MONTH-DAY, such as 2026-12-28"),
        ("tomorrow", "the last day 'tomorrow'; expected YEAR-MONTH-DAY, such as 2026-12-28"),
        ("2026-02-30", "the last day '2026-02-30' is in no calendar; expected YEAR-MONTH-DAY, such as 2026-12-28"),
    ],
)
def test_a_day_in_another_form_is_refused_with_the_right_one(text: str, found: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parsed_day(text)
    assert str(refused.value) == found


def test_a_day_is_a_date_or_its_text() -> None:
    assert [parsed_day(one) for one in (" 2026-12-28", date(2026, 12, 28), None)] == [date(2026, 12, 28)] * 2 + [None]
    assert parsed_day(datetime(2026, 12, 28, 9)) == date(2026, 12, 28)
