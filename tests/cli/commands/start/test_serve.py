"""`attnmel serve` as a user meets it."""

import importlib.util
import json
import os
import shutil
import signal
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.copies import start_command

from attnmel.cli.commands.start.serve import _named
from attnmel.files.folders import RunFolder

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel


def test_without_the_extra_a_sentence_says_what_to_install(attnmel: "Attnmel", monkeypatch: pytest.MonkeyPatch) -> None:
    there: Callable[..., object] = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "python_multipart" else there(name))
    ran = attnmel("serve")
    assert (ran.code, ran.err) == (
        1,
        "error: the page needs the package python-multipart, which is not installed; type: pip install "
        "'attnmel[serve]'\n",
    )


def test_other_machines_need_a_token(attnmel: "Attnmel") -> None:
    ran = attnmel("serve", "--host", "0.0.0.0")
    assert ran.code == 1
    assert ran.err.startswith("error: other machines could use the page on 0.0.0.0: choose a token that they have to")


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_token_of_the_environment_is_printed_nowhere_and_one_of_the_command_in_the_address(
    options: tuple[str, ...], attnmel: "Attnmel", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attnmel.web.server.run", lambda _app, listening, _limits: listening.close())
    token = "a-secret-of-the-container"
    typed = attnmel("serve", "--port", "0", "--token", token, *options)
    assert f"/?token={token}" in typed.out
    assert token not in typed.err
    monkeypatch.setenv("ATTNMEL_TOKEN", token)
    set_before = attnmel("serve", "--port", "0", *options)
    assert (set_before.code, token in set_before.out + set_before.err) == (0, False)
    assert "with ?token= and the token of $ATTNMEL_TOKEN at its end. Ctrl-C" in set_before.err
    opened = list[str]()
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert token not in attnmel("serve", "--port", "0", "--browser", *options).out
    assert opened[0].endswith(f"/?token={token}")


def test_a_model_that_is_not_exported_is_refused(attnmel: "Attnmel", trained: RunFolder) -> None:
    ran = attnmel("serve", trained.path)
    assert (ran.code, ran.err) == (
        1,
        f"error: the page runs exported models, and {trained.path} is none; write one first: attnmel export "
        f"{trained.path} --onnx\n",
    )


def test_requests_may_use_the_names_that_were_typed(exported: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(exported, tmp_path / "mine.onnx"))
    name = "attnmel-lite0-isic2017"
    paths, given = _named(["pretrained", str(copy), name])
    assert list(paths) == [name, "mine"]
    assert given == {"pretrained": name, str(copy): "mine", name: name}
    assert _named([name])[1]["pretrained"] == name
    assert "pretrained" not in _named([str(copy)])[1]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent as a signal")
def test_the_page_is_served_until_ctrl_c(tmp_path: Path) -> None:
    process = start_command("serve", "--port", "0")
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    with urllib.request.urlopen(f"{address}api/info", timeout=30) as answer:
        assert [one["model"] for one in json.load(answer)["models"]] == ["attnmel-lite0-isic2017"]
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert err.splitlines()[-1] == "stopped"
