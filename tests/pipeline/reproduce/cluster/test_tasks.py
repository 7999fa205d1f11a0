"""What keeps a Ray cluster from being used is one sentence; without Ray itself, which `test_engine` starts."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import attnmel
from attnmel.errors import ConfigError
from attnmel.pipeline.reproduce.cluster import tasks
from attnmel.pipeline.reproduce.cluster.address import why_not
from attnmel.pipeline.reproduce.cluster.machine import task_on_machine
from attnmel.pipeline.reproduce.cluster.tasks import Machines, open_cluster, places_of_machine
from attnmel.progress import SILENT


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine where somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def refusal(address: str | None, out: Path) -> str:
    with pytest.raises(ConfigError) as raised, open_cluster(address, out, Machines(), SILENT):
        pass
    assert not out.exists(), "nothing is left"
    return str(raised.value)


def test_ray_that_is_not_installed_is_named_with_the_command_that_installs_it(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert refusal(f"127.0.0.1:{port}", tmp_path / "out") == (
        "--engine ray needs the package ray, which is not installed; type: pip install 'attnmel[ray]'"
    )


def test_no_cluster_at_an_address_is_known_at_once(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        free = gone.getsockname()[1]
    found = refusal(f"127.0.0.1:{free}", tmp_path / "out")
    assert found.startswith(f"no Ray cluster answers at 127.0.0.1:{free} (")
    assert found.endswith("start one, or name another by --address or RAY_ADDRESS")
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{free}")
    assert refusal(None, tmp_path / "out") == found, "the variable counts where no address is given"


def test_a_folder_that_cannot_be_made_is_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tasks, "connected", lambda _: SimpleNamespace(shutdown=lambda: None))
    monkeypatch.setattr(Path, "mkdir", denied)
    with pytest.raises(PermissionError), open_cluster(None, tmp_path / "out", Machines(), SILENT):
        pass


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("cluster", "the address of the Ray cluster is 'cluster', expected HOST:PORT, as 127.0.0.1:6379"),
        ("ray://head:10001", "ray://head:10001 is the address of a Ray client; run this command on a machine of"),
        ("127.0.0.1:99999", "no Ray cluster answers at 127.0.0.1:99999"),
    ],
)
def test_an_address_of_another_kind_is_refused(address: str, expected: str, tmp_path: Path) -> None:
    assert refusal(address, tmp_path / "out").startswith(expected)


def test_what_ray_says_of_a_cluster_becomes_one_sentence() -> None:
    other = RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 2.60.0\n    Python: 3.12.1\n")
    assert why_not("head:6379", other) == (
        "the Ray cluster at head:6379 has other versions than this machine: Version mismatch: The cluster was started "
        "with: Ray: 2.60.0 Python: 3.12.1"
    )
    outside = ConnectionError("Failed to connect")
    outside.__cause__ = RuntimeError("No node info found matching attributes")
    assert "this machine is no part of the Ray cluster at head:6379" in why_not("head:6379", outside)
    assert why_not("auto", ConnectionError("Could not find any running Ray instance.")).startswith(
        "no Ray cluster runs on this machine; start one by `ray start`"
    )


@pytest.fixture
def mark(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "mark").write_text("of this table")
    return str(tmp_path / "mark"), "of this table"


def answers(version: str, mark: tuple[str, str]) -> list[dict[str, str]]:
    """What a machine answers that is asked without work."""
    return list(task_on_machine()(version, mark, ".", None))


def test_a_machine_that_can_do_the_work_has_no_answer(mark: tuple[str, str]) -> None:
    assert answers(attnmel.__version__, mark) == []


def test_a_machine_without_the_package_or_with_another_version_says_so(
    mark: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.node", lambda: "node-7")
    assert answers("99.0", mark) == [
        {"unfit": f"node-7 has attnmel {attnmel.__version__}, and this machine 99.0; install the same on both"}
    ]
    monkeypatch.setitem(sys.modules, "attnmel", None)
    assert answers("0.1", mark) == [
        {"unfit": "node-7 has no attnmel; install version 0.1 there, in the environment of its Ray"}
    ]


@pytest.mark.parametrize("text", [None, "of another folder that was copied"])
def test_a_folder_that_a_machine_does_not_share_is_named(text: str | None, mark: tuple[str, str]) -> None:
    path = Path(mark[0])
    path.unlink()
    if text:
        path.write_text(text)
    (answer,) = answers(attnmel.__version__, mark)
    assert answer["unfit"].endswith(
        f"does not see the folder {path.parent} of this machine; name one by --out that all machines share"
    )


@pytest.mark.parametrize(
    ("has", "each", "expected"),
    [
        ({"CPU": 8.0, "GPU": 2.0}, (2, 1), 2),
        ({"CPU": 8.0, "GPU": 2.0}, (2, 0.25), 4),
        ({"CPU": 8.0}, (1, 1), 0),
        ({"CPU": 8.0, "GPU": 2.0}, (0, 1), 2),
    ],
)
def test_runs_at_once_are_what_cpus_and_gpus_allow(
    has: dict[str, float], each: tuple[float, float], expected: int
) -> None:
    assert places_of_machine(has, *each) == expected
