"""What is said where no audit of the training and the evaluation images is stored."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from attnmel.files.folders import RunFolder
from attnmel.pipeline.evaluate import leakage


@pytest.mark.parametrize(
    ("on", "command"),
    [
        (None, "attnmel audit /data/clinic --columns image=Bild"),
        ("/data/other clinic", "attnmel audit /data/clinic '/data/other clinic' --columns 'image=file name,label=dx'"),
    ],
)
def test_the_advice_to_audit_names_the_columns_of_the_evaluated_folder(
    on: str | None, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("judged_images", "shared_images"):
        monkeypatch.setattr(leakage, name, lambda *_: ())
    monkeypatch.setattr(leakage, "stored_audit", lambda *_: None)
    said: list[str] = []
    run: Any = SimpleNamespace(
        learnt_images=(SimpleNamespace(digest="a", split="train"),),
        recipe=SimpleNamespace(data=SimpleNamespace(dataset="/data/clinic", columns={"image": "Bild"})),
        home=Path(),
        folder=RunFolder(Path("without lists")),
        progress=SimpleNamespace(note=said.append),
    )
    prepared: Any = None
    columns = {"image": "file name", "label": "dx"}
    options: dict[str, Any] = {"name": "clinic", "split": "test", "on": on, "columns": columns, "allowed": False}
    assert leakage.check_leakage(run, prepared, np.arange(0), **options) == ()
    assert said == [f"no stored audit; run `{command}` to learn of near-duplicates"]
