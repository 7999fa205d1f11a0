"""Every reader that `fuzz.py` gives damaged files to, with the whole files it starts from."""

import contextlib
import itertools
import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from attnmel.config.load import load_run_recipe, load_segmenter_recipe
from attnmel.data.archives import fetch
from attnmel.data.archives.unpack import unpack
from attnmel.data.audit.exclusions import read_exclusions
from attnmel.data.datasets.own.folder import read_folder
from attnmel.data.preprocess.hashes import content_hashes
from attnmel.data.tables import labels, metadata
from attnmel.data.tables.age_and_sex import read_age_and_sex
from attnmel.deploy.onnx.export_facts import read_onnx_card
from attnmel.deploy.predictor import Predictor
from attnmel.evaluation.challenge.submission_file import read_submission
from attnmel.evaluation.maps.attention_overlap import Overlap
from attnmel.evaluation.maps.summary import MapSummary
from attnmel.evaluation.maps.table import MapTable
from attnmel.files.folders import MasksFolder, RunFolder
from attnmel.files.locks import Owner
from attnmel.models.weights.checkpoints import load_checkpoint, read_checkpoint
from attnmel.models.weights.safetensors_io import load_state
from attnmel.pipeline.evaluate.leakage import read_leaks
from attnmel.pipeline.predict.partial_results import PartialResults
from attnmel.pipeline.reproduce.folder import TableFolder
from attnmel.pipeline.run.images.seen_images import read_images
from attnmel.pipeline.run.provenance import read_provenance
from attnmel.pipeline.run.results.details import read_details
from attnmel.pipeline.run.results.results import read_measures
from attnmel.pipeline.run.training.history import read_history
from attnmel.pipeline.segment.masks_table import read_masks_table
from attnmel.pipeline.study.analysis.read_study import read_study
from attnmel.pipeline.study.machines import machine_output
from attnmel.pipeline.study.study_file import StudyFolder, open_frozen
from attnmel.pretrained.card import read_model_card
from attnmel.pretrained.catalogue import FOLDER, model_names
from attnmel.records import Lesion, Predictions
from fuzz_cards import answer_targets, cache_targets, card_targets
from fuzz_images import image_targets, npz_targets
from fuzz_sets import set_targets
from fuzz_target import Reader, Target, whole_files


def _run(read: Callable[[RunFolder], object], levels: int = 0) -> Reader:
    return lambda path: read(RunFolder(path.parents[levels]))


def _overrides(path: Path) -> object:
    return load_run_recipe("demo", tuple(path.read_text(encoding="utf-8", errors="replace").splitlines()[:3]))


def _folder(path: Path) -> object:
    for name in ("a.png", "b.png", "c.jpg"):
        (path.parent / name).touch()
    return read_folder(path.parent)


def _archives(base: Path) -> Iterator[Target]:
    data = base / "home" / "data" / "phantoms"
    some = sorted((base / "mirror").rglob("*.zip"), key=lambda one: one.stat().st_size)[:3]

    def note(path: Path) -> object:
        path.with_name("b").touch()
        return fetch._brought("http://127.0.0.1:9/b", path.with_name("b"), fetch.SILENT)

    def record(path: Path) -> object:
        return fetch.archive_states("phantoms", path.parents[2])

    needed = (".jpg", ".png", ".csv", ".json")
    yield Target(
        "zip", "", whole_files(*some), lambda path: unpack(path, path.parent / "out", name="it", needed=needed), "a.zip"
    )
    yield Target("archives.json", "json", whole_files(data / "archives.json"), record, "data/phantoms/archives.json")
    known = {"address": "http://127.0.0.1:9/b", "size": 3, "sha256": "0" * 64}
    yield Target("download-note", "json", [json.dumps(known).encode()], note, "b.json")


def _tables(base: Path, strangers: Path) -> Iterator[Target]:
    from tests.strangers.readings.make_readers import write_imrmc_variants, write_sequential
    from tests.strangers.tables.make_tables import FOLDERS, SUBMISSIONS

    own = [one.table for one in FOLDERS]
    own.append(b"image,label,group,age,sex,site,split\na.png,melanoma,g1,55,f,back,train\nb.png,rest,g2,70,m,,test\n")
    yield Target("labels", "csv", own, _folder, "labels.csv", 2)
    truth = {
        "2016": (partial(labels.read_labels, year=2016), b"ISIC_0000000,benign\nISIC_0000001,malignant\n"),
        "2017": (
            partial(labels.read_labels, year=2017),
            b"image_id,melanoma,seborrheic_keratosis\nISIC_0000000,0.0,1.0\nISIC_0000001,1.0,0.0\n",
        ),
        "2018": (
            partial(labels.read_labels, year=2018),
            b"image,MEL,NV,BCC,AKIEC,BKL,DF,VASC\nISIC_0,1.0,0.0,0,0,0,0,0\n",
        ),
        "metadata-2017": (
            metadata.METADATA_2017.read,
            b"image_id,age_approximate,sex\nISIC_0000000,55,female\nISIC_0000001,unknown,male\n",
        ),
        "ham10000": (
            metadata.HAM10000.read,
            b"lesion_id,image_id,dx,dx_type,age,sex,localization\nHAM_1,ISIC_1,nv,histo,80.0,male,scalp\n",
        ),
        "groups": (
            metadata.LESION_GROUPS.read_groups,
            b"image,lesion_id,diagnosis_confirm_type\nISIC_1,HAM_1,histopathology\n",
        ),
    }
    for name, (read, seed) in truth.items():
        yield Target(f"labels-{name}", "csv", [seed], read, "t.csv")
    people = [b"image,age,sex\na.jpg,55,f\nb.jpg,85+,male\nc,40-50,\n"]
    yield Target("age-and-sex", "csv", people, read_age_and_sex, "p.csv")
    for dataset in ("isic2016", "isic2017", "isic2018"):
        seeds = [one.table for one in SUBMISSIONS]
        yield Target(f"submission-{dataset}", "csv", seeds, _submission(dataset), "s.csv")
    readings = strangers / "readings"
    readings.mkdir(parents=True, exist_ok=True)
    table = write_sequential(readings / "r.csv", cases=8)
    variants = [path for path in write_imrmc_variants(readings).values() if path.is_file()]
    yield Target("readings", "csv", whole_files(table), read_study, "r.csv", 2)
    yield Target("imrmc", "csv", whole_files(*variants), read_study, "r.imrmc", 2)
    lesions = [Lesion(image_id=name, image=Path(f"{name}.png"), diagnosis=None, split=None) for name in ("a", "b")]
    seeds = [b"image,probability\na,0.5\nb,0.25\n"]
    yield Target(
        "machine-table", "csv", seeds, lambda path: machine_output(f"net={path}", lesions, {"melanoma": True}), "m.csv"
    )
    exclusions = [b"dataset,image,reason,pair\nphantoms,ISIC_1,same picture,ISIC_2\n"]
    yield Target("exclusions", "csv", exclusions, lambda path: read_exclusions(path, "phantoms"), "e.csv")
    leaks = [b"judged,image,kind,likeness,known_image,known_split\ntest,a,same id,,a,train\n"]
    yield Target("leaks", "csv", leaks, _run(read_leaks), "leakage.csv")
    masks = whole_files(*(base / "home" / "masks").rglob("masks.csv")) or [
        b"image,confidence,area,pieces,flag,error,segmenter\na,0.9,0.2,1,,,0a\n"
    ]
    yield Target("masks-table", "csv", masks, lambda path: read_masks_table(MasksFolder(path.parent)), "masks.csv")
    overlap = [b"image,label,group,jaccard_pool3,jaccard_pool4\na,melanoma,a,0.5,0.25\nb,rest,b,0.1,\n"]
    yield Target("overlap", "csv", overlap, Overlap.read, "o.csv")
    measures = [b"image,group,label,called,attention-pool4|jaccard|lesion\na,a,melanoma,rest,0.5\n"]
    yield Target("map-table", "csv", measures, MapTable.read, "measures.csv")


def _submission(dataset: str) -> Reader:
    return lambda path: read_submission(path, dataset)


def _runwhole_files(base: Path) -> Iterator[Target]:
    run = RunFolder(base / "run")
    results = read_measures(run)["test"]
    yield Target("predictions", "csv", whole_files(*run.path.glob("predictions/*t.csv")), Predictions.read, "p.csv", 2)
    yield Target("history", "csv", whole_files(run.history), read_history, "history.csv")
    yield Target("measures", "json", whole_files(run.measures), _run(read_measures), "measures.json")
    details = _run(lambda one: read_details(one, results), 1)
    yield Target("details", "json", whole_files(run.details("test")), details, "predictions/test-details.json")
    yield Target("provenance", "json", whole_files(run.provenance), _run(read_provenance), "provenance.json", 0.5)
    yield Target("images-table", "csv", whole_files(run.images), _run(read_images), "images.csv")
    recipes = whole_files(run.recipe, *Path(load_run_recipe.__code__.co_filename).parents[1].rglob("recipes/**/*.toml"))
    yield Target("recipe", "toml", recipes, lambda path: load_run_recipe(str(path)), "r.toml", 3)
    segmenter = whole_files(base / "segmenter" / "recipe.toml")
    yield Target("segmenter-recipe", "toml", segmenter, load_segmenter_recipe, "s.toml")
    sets = [b"training.epochs=3\ndata.size=32\nmodel.weights=random", b'data.classes=["a", "b"]\nloss.gamma=nan']
    yield Target("overrides", "toml", sets, _overrides, "o.txt")
    yield Target("lock", "json", [json.dumps(Owner.this().__dict__).encode()], _owner, "o.lock", 0.5)
    yield Target("part", "json", _part(), _resumed, "out.csv.part")
    yield Target("table-folder", "json", [b'{"table": "tiny", "rows": []}'], _table_settings, "table.json", 0.2)
    cards = whole_files(*(FOLDER / name / "card.json" for name in model_names()))
    yield Target("model-card", "json", cards, read_model_card, "card.json")
    hashes = whole_files(base / "home" / "cache" / "hashes.json")
    yield Target("hash-memory", "json", hashes, _hashes, "cache/hashes.json", 0.5)
    texts = {"notice": "n", "licence": "l", "name": "n", "split": "test", "methods": ["cam"]}
    summary = {**texts, "epoch": 1, "images": 2, "masks": 1, "means": [], "differences": []}
    yield Target("map-summary", "json", [json.dumps(summary).encode()], MapSummary.read, "s.json", 0.5)


def _owner(path: Path) -> object:
    owner = Owner.read(path.read_bytes())
    return owner and owner.sentence()


def _part() -> list[bytes]:
    rows = [{"model": "m", "engine": "e"}, ["a.jpg", [0.5, 0.5], None, {}], ["b.jpg", [0.1, 0.9], None, {"notes": "x"}]]
    return [b"".join(json.dumps(row).encode() + b"\n" for row in rows)]


def _resumed(path: Path) -> object:
    partial = PartialResults(path.with_suffix(""))
    partial.resume({"model": "m", "engine": "e"}, ["a.jpg", "b.jpg"])
    return list(partial.complete(["a.jpg", "b.jpg"]))


def _table_settings(path: Path) -> object:
    from attnmel.pipeline.reproduce.folder import read_json

    with contextlib.suppress(ValueError):
        return read_json(TableFolder(path.parent).path / path.name)


def _hashes(path: Path) -> object:
    image = path.parent / "a.png"
    image.write_bytes(b"x")
    return content_hashes([image], memory=path, workers=1)


def _study(strangers: Path) -> Iterator[Target]:
    from tests.pipeline.study.small_study import small_study

    place = strangers / "study"
    shutil.rmtree(place, ignore_errors=True)
    folder, _, _ = small_study(place)
    seeds = whole_files(folder / "study.json")
    yield Target("study.json", "json", seeds, lambda path: open_frozen(StudyFolder(path.parent)), "study.json", 0.5)


def _weights(base: Path) -> Iterator[Target]:
    run = RunFolder(base / "run")
    yield Target("checkpoint", "safetensors", whole_files(run.best), load_checkpoint, "best.safetensors")
    yield Target("state", "safetensors", whole_files(run.resume), load_state, "resume.safetensors", 0.5)
    yield Target("checkpoint-card", "safetensors", whole_files(run.best), read_checkpoint, "best.safetensors", 0.5)
    yield Target("onnx-card", "", whole_files(base / "model.onnx"), read_onnx_card, "model.onnx")
    yield Target("onnx", "", whole_files(base / "model.onnx"), lambda path: Predictor(path), "model.onnx", 0.5)


def make_targets(base: Path, strangers: Path) -> Iterable[Target]:
    """Return all readers that have a whole file to start from, each made when it is asked for."""
    strangers.mkdir(parents=True, exist_ok=True)
    sys.setrecursionlimit(1000)
    groups = (
        _archives(base), _tables(base, strangers), _runwhole_files(base), _study(strangers), _weights(base),
        npz_targets(strangers), image_targets(strangers), set_targets(strangers), card_targets(base, strangers),
        cache_targets(base), answer_targets(strangers),
    )  # fmt: skip
    return (one for one in itertools.chain(*groups) if one.seeds)


def read_whole(targets: Iterable[Target], place: Path) -> Iterator[tuple[str, Any]]:
    """Read every whole file once, and give what it was refused with, to see that the damage starts from good files."""
    for target in targets:
        for seed in target.seeds:
            try:
                target.read(place, seed)
            except Exception as error:  # noqa: BLE001 - told to who asks
                yield target.name, error
