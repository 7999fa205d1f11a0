"""The page with a real U-Net: border, share of the lesion and limits; another one by ATTNMEL_TEST_SEGMENTER."""

import base64
import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient
from tests.web.conftest import ADDRESS, NAME, form

from attnmel.data.image_files.picture import NamedBytes
from attnmel.data.preprocess.framing import framing_of
from attnmel.data.preprocess.network_input import network_input
from attnmel.files.folders import RunFolder
from attnmel.pipeline.predict.masks.segmenter_masks import SegmenterMasks
from attnmel.web.app import make_app
from attnmel.web.limits import Limits
from attnmel.web.models import Models


@pytest.fixture(scope="module")
def masks(segmenter: RunFolder) -> SegmenterMasks:
    pytest.importorskip("monai")
    return SegmenterMasks(Path(os.environ.get("ATTNMEL_TEST_SEGMENTER", segmenter.path)))


@pytest.fixture(scope="module")
def segmenting(shipped_onnx: Path, masks: SegmenterMasks) -> Models:
    return Models({NAME: shipped_onnx}, masks)


@pytest.fixture(scope="module")
def asked(segmenting: Models) -> Iterator[TestClient]:
    with TestClient(make_app(segmenting, Limits(waiting=2)), ADDRESS) as client:
        yield client


def test_border_and_share_are_those_of_the_mask(
    asked: TestClient, segmenting: Models, masks: SegmenterMasks, examples: dict[str, bytes]
) -> None:
    name, content = next(iter(examples.items()))
    mask = masks(NamedBytes(content, name))
    found = asked.post("/api/predict?pictures=true", files=form((name, content))).json()
    row, pictures = found["models"][0]["images"][0], found["pictures"][0]
    seen = network_input(NamedBytes(content, name), framing_of(segmenting.by_name[NAME].card), mask=mask).seen
    expected = None if seen.share_of_lesion is None else round(seen.share_of_lesion, 4)
    assert row["share_of_lesion"] == expected
    with Image.open(BytesIO(base64.b64decode(pictures["mask"].partition(",")[2]))) as layer:
        drawn = np.asarray(layer.convert("RGBA"))[..., 3] > 0
        small = np.asarray(Image.fromarray(mask).resize(layer.size))
    assert drawn.any() == (mask.any() and not mask.all())
    # Every pixel of the border has lesion and skin close to it.
    for top, left in np.argwhere(drawn)[::97]:
        near = small[max(0, top - 12) : top + 13, max(0, left - 12) : left + 13]
        assert near.any()
        assert not near.all()


def test_without_pictures_the_share_is_the_same_and_a_broken_file_is_one_error(
    asked: TestClient, examples: dict[str, bytes]
) -> None:
    name, content = next(iter(examples.items()))
    rows = asked.post("/api/predict", files=form((name, content), ("notes.jpg", b"no"))).json()["models"][0]["images"]
    assert 0 < rows[0]["share_of_image"] <= 1
    assert rows[1]["error"].startswith("notes.jpg is no picture")


def test_the_limits_are_the_same_with_a_segmenter(asked: TestClient, examples: dict[str, bytes]) -> None:
    name, content = next(iter(examples.items()))
    got = asked.post("/api/predict", files=form(*[(name, content)] * 3))
    assert (got.status_code, got.json()) == (
        429,
        {"error": "0 images are waiting, and at most 2 may; send 3 more later"},
    )
    assert asked.get("/api/info").json()["segmenter"]
