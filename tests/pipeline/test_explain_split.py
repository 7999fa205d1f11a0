"""All maps of a split, and what they are worth, from a run that is trained."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from attnmel.evaluation.map_table import MapColumn, MapTable
from attnmel.evaluation.overlap import Overlap
from attnmel.folders import RunFolder
from attnmel.pipeline.explain_split import explain_split
from attnmel.pipeline.map_measures import ASKING

if TYPE_CHECKING:
    from tests.conftest import Phantoms


def test_the_table_says_of_attention_what_evaluate_says(
    trained: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    folder = explain_split(trained, split="test", measures=("overlap", *ASKING), limit=4, out=tmp_path, home=phantoms.home)
    table, judged = MapTable.read(folder.table), Overlap.read(trained.overlap("test"))
    assert table.image_ids == judged.image_ids
    for name, jaccard in judged.jaccard.items():
        found = table.column(MapColumn(f"attention-{name}", "jaccard", "lesion"))
        np.testing.assert_allclose(found, jaccard, atol=1e-6)
    (Path("/tmp/explaincli") / "tiny.md").write_text(folder.text.read_text())
