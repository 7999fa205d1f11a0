"""The application with the model that comes along, asked in this process; example images in memory."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from attnmel.pretrained.catalogue import find_model
from attnmel.pretrained.examples import FOLDER
from attnmel.web.app import make_app
from attnmel.web.limits import Limits
from attnmel.web.models import Models

ADDRESS = "http://127.0.0.1:8642"
NAME = "attnmel-lite0-isic2017"

Form = list[tuple[str, tuple[str, bytes, str]]]


def form(*images: tuple[str, bytes]) -> Form:
    """Return files for the field of a request."""
    return [("images", (name, content, "application/octet-stream")) for name, content in images]


def png(side: int = 40, colour: str = "sienna") -> bytes:
    file = BytesIO()
    Image.new("RGB", (side, side), colour).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="session")
def shipped_onnx() -> Path:
    found = find_model("pretrained")
    assert found is not None
    return found.onnx


@pytest.fixture(scope="session")
def models(shipped_onnx: Path) -> Models:
    return Models({NAME: shipped_onnx}, None)


@pytest.fixture(scope="session")
def client(models: Models) -> Iterator[TestClient]:
    with TestClient(make_app(models), ADDRESS) as found:
        yield found


@pytest.fixture
def limited(models: Models) -> Iterator[Callable[..., TestClient]]:
    """Give a client of the application with other limits."""
    clients: list[TestClient] = []

    def make(**limits: Any) -> TestClient:  # noqa: ANN401
        clients.append(TestClient(make_app(models, Limits(**limits)), ADDRESS))
        return clients[-1].__enter__()

    yield make
    for one in clients:
        one.__exit__()


@pytest.fixture(scope="session")
def examples() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(FOLDER.glob("*.jpg"))[:3]}
