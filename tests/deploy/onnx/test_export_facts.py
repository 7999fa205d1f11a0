"""Card and facts of an exported model are read without torch and onnx, and other files are refused."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from tests.factories import CARD as NARROW

from attnmel.deploy.onnx.content import check_content
from attnmel.deploy.onnx.export_facts import (
    EXPORT,
    Cost,
    ExportFacts,
    Parity,
    append_texts,
    read_onnx_card,
    with_card,
)
from attnmel.deploy.onnx.texts import CONTENT, LARGEST_TEXT, USE, read_texts
from attnmel.errors import CheckpointError
from attnmel.models.weights.age_sex_prior import AgeSexPrior
from attnmel.models.weights.card import CARD, card_json

KNOWN = dataclasses.replace(NARROW, temperature=1.25)

FACTS = ExportFacts(
    precision="int8",
    versions={"torch": "2.13.0"},
    checked_on="7 images and 2 large phantoms",
    parity=(Parity(engine="OpenVINO 1", images=7, phantoms=2, probability=1e-6, attention=None, auc=0.0),),
    costs=(
        Cost(
            precision="int8",
            engine="OpenVINO 1",
            split="test",
            task="melanoma",
            images=7,
            positives=2,
            float32=0.9,
            auc=0.8,
            difference=-0.1,
            low=float("-inf"),
            high=0.1,
            probability=0.01,
        ),
    ),
)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """An ONNX file without a text of ours."""
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    out = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "graph", [value], [out])
    path = tmp_path / "model.onnx"
    onnx.save(onnx.helper.make_model(graph), path)
    return path


def test_card_and_facts_are_read_as_they_were_written(bare: Path) -> None:
    append_texts(bare, KNOWN, FACTS)
    assert read_onnx_card(bare) == (KNOWN, FACTS)


def test_texts_are_added_behind_the_bytes_that_were_checked(bare: Path) -> None:
    before = bare.read_bytes()
    append_texts(bare, KNOWN, FACTS)
    assert bare.read_bytes().startswith(before)


def test_onnx_itself_reads_the_same_texts_and_the_card_as_in_a_checkpoint(bare: Path) -> None:
    append_texts(bare, KNOWN, FACTS)
    model = onnx.load(bare)
    onnx.checker.check_model(model)
    texts = {entry.key: entry.value for entry in model.metadata_props}
    assert set(texts) == {CARD, EXPORT, CONTENT, USE}
    assert texts[CARD] == card_json(KNOWN).decode()


@pytest.mark.parametrize(
    ("settings", "chosen"),
    [
        ({"transforms": "dihedral"}, "for the mean over 8 transforms (dihedral) of each image"),
        ({"transforms": "scales", "crops": 5}, "for the mean over 5 squares and 2 transforms (scales) of each image"),
        ({"age_sex_prior": AgeSexPrior(counts={})}, "with age and sex"),
    ],
)
def test_a_file_says_to_others_of_what_its_thresholds_are(
    bare: Path, tmp_path: Path, settings: dict[str, Any], chosen: str
) -> None:
    append_texts(bare, KNOWN, FACTS)
    assert read_texts(bare)[USE] == "the thresholds are of the output 'probabilities'"
    with_card(bare, tmp_path / "other.onnx", dataclasses.replace(KNOWN, **settings))
    other = read_texts(tmp_path / "other.onnx")[USE]
    assert other.startswith(
        f"each output is of one square as it is, but temperature and thresholds were chosen {chosen}:"
    )
    assert (tmp_path / "other.onnx").read_bytes().count(USE.encode()) == 1


def test_an_onnx_file_of_others_is_refused(bare: Path) -> None:
    with pytest.raises(CheckpointError, match=r"ONNX file without attnmel and attnmel.export .* expected one that"):
        read_onnx_card(bare)


def test_a_pickle_is_named_as_one(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    torch.save({"weights": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match=r"is a pickle, which could run code"):
        read_onnx_card(path)


@pytest.mark.parametrize("content", [b"", b"no model", bytes(100), b"\xff" * 100, b"\x72\x05ab"])
def test_what_is_no_onnx_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"is no complete ONNX file; .* export again"):
        read_onnx_card(path)


def test_a_file_cut_anywhere_gives_no_card(bare: Path) -> None:
    append_texts(bare, KNOWN, FACTS)
    whole = bare.read_bytes()
    for length in range(0, len(whole), 7):
        bare.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            read_onnx_card(bare)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no file .*model.onnx; expected one that `attnmel export RUN --onnx`"):
        read_onnx_card(tmp_path / "model.onnx")


def test_a_run_folder_is_not_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"is a folder; .* file: write one by `attnmel export RUN --onnx`"):
        read_onnx_card(tmp_path)
    (tmp_path / "recipe.toml").touch()
    with pytest.raises(CheckpointError, match=rf"write one by `attnmel export {re.escape(str(tmp_path))} --onnx`"):
        read_onnx_card(tmp_path)
    (tmp_path / "model.onnx").touch()
    with pytest.raises(CheckpointError, match=r"is a folder; .* file: name .*model\.onnx"):
        read_onnx_card(tmp_path)


def test_texts_without_end_are_not_read(bare: Path) -> None:
    texts = onnx.ModelProto()
    onnx.helper.set_model_props(texts, {CARD: "x" * (LARGEST_TEXT + 1)})
    with bare.open("ab") as file:
        file.write(texts.SerializeToString())
    with pytest.raises(CheckpointError, match=r"no complete ONNX file"):
        read_onnx_card(bare)


def test_a_card_beyond_the_limits_of_a_recipe_is_refused(bare: Path) -> None:
    texts = onnx.ModelProto()
    card = card_json(KNOWN).decode().replace('"side": 73', '"side": 999999')
    onnx.helper.set_model_props(texts, {CARD: card, EXPORT: "{}"})
    with bare.open("ab") as file:
        file.write(texts.SerializeToString())
    with pytest.raises(CheckpointError, match=r"the card in .* cannot be read \(side = 999999: "):
        read_onnx_card(bare)


def test_a_bit_that_changed_before_the_texts_is_found(bare: Path) -> None:
    length = bare.stat().st_size
    append_texts(bare, KNOWN, FACTS)
    whole = bytearray(bare.read_bytes())
    for place in range(length):
        changed = whole.copy()
        changed[place] ^= 1
        bare.write_bytes(changed)
        with pytest.raises(CheckpointError, match=r"is damaged: .* \(SHA-256\)|no complete ONNX file"):
            read_onnx_card(bare)


@pytest.mark.parametrize("inside", [False, True])
def test_weights_in_another_file_are_refused(tmp_path: Path, inside: bool) -> None:
    """Of an initializer, or of a constant inside a branch of the graph; a name alone is no such weight."""
    weights = onnx.numpy_helper.from_array(np.ones(3, np.float32), "location")
    constant = onnx.helper.make_node("Constant", [], ["location"], value=weights)
    branch = onnx.helper.make_graph(
        [constant], "branch", [], [onnx.helper.make_tensor_value_info("location", onnx.TensorProto.FLOAT, [3])]
    )
    condition = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.BOOL, [])
    out = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [3])
    node = onnx.helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)
    graph = onnx.helper.make_graph([node], "graph", [condition], [out], [] if inside else [weights])
    model, path = onnx.helper.make_model(graph), tmp_path / "model.onnx"
    onnx.save(model, path)
    append_texts(path, KNOWN, FACTS)
    assert read_onnx_card(path) == (KNOWN, FACTS)
    then = model.graph.node[0].attribute[0].g.node[0].attribute[0].t
    tensor = then if inside else model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret")
    path.write_bytes(model.SerializeToString())
    append_texts(path, KNOWN, FACTS)
    with pytest.raises(CheckpointError, match=r"takes weights from other files, which are not read; expected one file"):
        read_onnx_card(path)


def test_a_file_of_an_earlier_version_without_a_hash_that_is_damaged_inside_is_refused(tmp_path: Path) -> None:
    graph = b"\x0a\x7flocation"  # a node of 127 bytes, of which 8 are there
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x3a" + bytes([len(graph)]) + graph)
    with pytest.raises(CheckpointError, match=r"model\.onnx is damaged, or no ONNX file that .* copy the file again"):
        check_content(path, None)
