"""The parts of a table together are one valid table."""

import json

from attnmel.folders import RunFolder
from attnmel.models.weights.checkpoints import read_checkpoint
from attnmel.pipeline.predict.table import ImageResult, Table

RESULTS = (ImageResult("\udcff,.jpg", (0.25, 0.75)), ImageResult("b.png", (), "b.png is empty"))


def test_a_name_that_is_no_text_is_written_with_its_bytes_in_figures(trained: RunFolder) -> None:
    table = Table(read_checkpoint(trained.best)[1])
    lines = "".join(table.lines(RESULTS)).encode("utf-8").decode().splitlines()
    assert lines[-2:] == ['"\\udcff,.jpg",0.250000,0.750000,', "b.png,,,b.png is empty"]
    assert json.loads("".join(table.lines(RESULTS, as_json=True)))["images"][0]["image"] == "\udcff,.jpg"


def test_json_in_parts_is_laid_out_as_json_in_one(trained: RunFolder) -> None:
    text = "".join(Table(read_checkpoint(trained.best)[1]).lines(RESULTS, as_json=True))
    assert text == json.dumps(json.loads(text), indent=2) + "\n"
    assert json.loads(text)["images"] == [
        {"image": "\udcff,.jpg", "probabilities": {"rest": 0.25, "melanoma": 0.75}},
        {"image": "b.png", "error": "b.png is empty"},
    ]
