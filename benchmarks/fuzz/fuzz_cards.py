"""The cards within weights, the state of a training, the small files of the cache and the answers of readers."""

import functools
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter
from safetensors.torch import save_file

from attnmel.config.load import load_recipe
from attnmel.data.audit.findings import AuditEntry, AuditFinding
from attnmel.data.audit.store import VERSION, Audit, audit_path, read_audit
from attnmel.data.preprocess.array_file import CONTENTS
from attnmel.data.preprocess.cache import open_cache
from attnmel.errors import AttnmelError
from attnmel.evaluation.fusion.card import KEY
from attnmel.features.store import SYSTEM, load_classifier
from attnmel.files.folders import RunFolder
from attnmel.files.leftovers import remove_leftovers
from attnmel.models.weights.card import CARD
from attnmel.models.weights.checkpoints import checkpoint_card, load_checkpoint
from attnmel.models.weights.safetensors_io import load_state, read_metadata
from attnmel.pipeline.clean import cached_folders
from attnmel.pipeline.fuse.evaluate import stored_card
from attnmel.pipeline.predict.models.fused_model import FusedModel
from attnmel.pipeline.run.images.dataset import prepare
from attnmel.pipeline.run.images.normalisation import training_statistics
from attnmel.pipeline.run.run_location import read_recipe
from attnmel.pipeline.run.training.training_state import load_training_state
from attnmel.records import Lesion
from fuzz_target import Target, whole_files


def card_targets(base: Path, strangers: Path) -> Iterator[Target]:
    """Give the readers of texts within weights; the weights around them are whole."""
    more = strangers / "more"
    if not more.exists():
        _make_more(base, more)
    for name, path, key, read in (
        ("card", base / "run" / "best.safetensors", CARD, load_checkpoint),
        ("system", more / "system" / "best.safetensors", SYSTEM, load_classifier),
        ("fusion", more / "fused" / "best.safetensors", KEY, _fusion),
    ):
        texts = [read_metadata(path)[key].encode()]
        yield Target(f"text-{name}", "json", texts, _within(path, key, read), "text.json", 0.3)
    state = base / "run" / "resume.safetensors"
    history = [read_metadata(state)["history"].encode()]
    yield Target("text-history", "json", history, _within(state, "history", _resumed(base)), "text.json", 0.3)
    yield Target("training-state", "safetensors", whole_files(state), _resumed(base), "resume.safetensors", 0.3)


def _make_more(base: Path, more: Path) -> None:
    """Fit a system and fuse two runs, once."""
    from tests.session_fixtures import small_system

    from attnmel.pipeline.experiment import run_system
    from attnmel.pipeline.fuse.fuse import fuse

    home, members = base / "home", [str(base / "run"), str(base / "other")]
    system = small_system(base / "run")
    run_system(system, RunFolder(more / "system"), home=home, command="attnmel train tiny/system", resamples=20)
    fuse(members, more / "fused", by="weighted", home=home, command="attnmel fuse", resamples=20)


def _within(path: Path, key: str, read: Callable[[Path], object]) -> Callable[[Path], object]:
    """Return a reader of a text, which it puts into a copy of a checkpoint."""
    tensors, texts = load_state(path)

    def reader(given: Path) -> object:
        changed = given.with_name(path.name)
        save_file(tensors, changed, {**texts, key: given.read_text(encoding="utf-8", errors="replace")})
        return read(changed)

    return reader


def _fusion(path: Path) -> object:
    with suppress(AttnmelError):
        stored_card(path.parent)
    return checkpoint_card(path), FusedModel(path, batch=1, calibrated=False)


def _resumed(base: Path) -> Callable[[Path], object]:
    network, _ = load_checkpoint(base / "run")

    def reader(path: Path) -> object:
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
        return load_training_state(path, network, optimizer)

    return reader


def cache_targets(base: Path) -> Iterator[Target]:
    """Give the readers of the small files that lie beside prepared images, and of what removes them."""
    home, recipe = base / "home", load_recipe("demo", ("data.size=32",))
    prepared = prepare(recipe.data, home=home)
    training_statistics(recipe.data, prepared)
    lesions, side = prepared.lesions[:3], 8

    def contents(path: Path) -> object:
        return _open(lesions, side, path.parents[2])

    with tempfile.TemporaryDirectory() as folder:
        made = _open(lesions, side, Path(folder))
        seed, key, content = (made.path / CONTENTS).read_bytes(), made.path.name, made.file.read_bytes()
        pixels = made.file.name

    def whole(path: Path) -> object:
        (path.parent / pixels).write_bytes(content)
        return contents(path)

    yield Target("cache-contents", "json", [seed], whole, f"cache/{key}/{CONTENTS}", 0.5)
    stored = next(prepared.cache.path.glob("statistics*.json"))

    def statistics(path: Path) -> object:
        cache = SimpleNamespace(**{**vars(prepared.cache), "path": path.parent, "gather": prepared.cache.gather})
        there: Any = SimpleNamespace(cache=cache, rows=prepared.rows)
        return training_statistics(recipe.data, there)

    yield Target("cache-statistics", "json", whole_files(stored), statistics, stored.name, 0.5)
    entries = tuple(AuditEntry("phantoms", "train", f"i{one}", f"{one}" * 64, "nevus", None) for one in range(2))
    audit = TypeAdapter(Audit).dump_json(Audit(VERSION, "", entries, (AuditFinding("same picture", 0, 1, 0.9),)))
    yield Target("audit", "json", [audit], _audited, str(audit_path(Path(), "0" * 16)), 0.3)
    run = RunFolder(base / "run")
    facts = whole_files(run.provenance)
    yield Target("moved", "json", facts, _moved(run), "provenance.json", 0.3)
    yield Target("clean", "json", facts, lambda path: cached_folders(home, [path.parent]), "provenance.json", 0.3)
    owner = json.dumps({"process": os.getpid(), "machine": "m", "began": 1.0}).encode()
    yield Target("leftover", "json", [owner], lambda path: remove_leftovers(path.parent), ".00000000.lock", 0.3)


def _audited(path: Path) -> object:
    found = read_audit(path.parents[2], path.parent.name)
    return found and (found.counts(), found.between({"0" * 64}, {"1" * 64}))


def _open(lesions: tuple[Lesion, ...] | list[Lesion], side: int, home: Path) -> Any:  # noqa: ANN401
    return open_cache(lesions, crop=0.5, side=side, home=home, workers=1)


def _moved(run: RunFolder) -> Callable[[Path], object]:
    def reader(path: Path) -> object:
        path.with_name(run.recipe.name).write_bytes(run.recipe.read_bytes())
        return read_recipe(RunFolder(path.parent))

    return reader


def answer_targets(strangers: Path) -> Iterator[Target]:
    """Give the server of a study what a reader sends; any status of the server's own (500 and above) is a failure."""
    given = {"position": 1, "stage": "alone", "key": "key-00000001", "suspicion": 30, "diagnosis": "nevus"}
    answer = {**given, "confidence": 3, "management": "follow-up", "comment": "", "seconds": 4.5}
    yield Target("study-answer", "json", [json.dumps(answer).encode()], _answered(strangers), "a.json", 0.5)


def _answered(strangers: Path) -> Callable[[Path], object]:
    @functools.cache
    def desk(process: int) -> Any:  # noqa: ANN401 - a server with threads, which no fork takes along
        from tests.web.study.test_app import Desk

        return Desk(Path(tempfile.mkdtemp(dir=strangers, prefix=f"desk-{process}-")))

    def reader(path: Path) -> object:
        one = desk(os.getpid())
        headers = {"authorization": f"Bearer {one.tokens['ana']}", "content-type": "application/json"}
        status = one.client.post("/api/answer", content=path.read_bytes(), headers=headers).status_code
        if status >= 500:
            raise RuntimeError(f"the server answers {status}")
        return np.int64(status)

    return reader
