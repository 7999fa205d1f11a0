"""The JSON API answers what `attnmel predict --json` prints, in order, from memory alone."""

import base64
import json
import re
import tempfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from opentelemetry import trace
from PIL import Image
from starlette.testclient import TestClient
from tests.strangers.images.make_dicom import PICTURE, dermoscopy, write
from tests.web.conftest import ADDRESS, NAME, form, png

from attnmel import NOTICE, Predictor
from attnmel.pipeline.predict.attention_maps import write_image_maps
from attnmel.pipeline.predict.predict import predict_images
from attnmel.saliency.overlays import map_layer
from attnmel.web import app
from attnmel.web.app import make_app
from attnmel.web.guard import cookie_name
from attnmel.web.models import Models
from attnmel.web.schema import Info, PredictionAnswer

if TYPE_CHECKING:
    from collections.abc import Sequence


def printed(model: Path, images: "Sequence[Path]") -> dict[str, Any]:
    """Return what `attnmel predict --json` prints, with the names of the files in place of their paths."""
    found = json.loads("".join(predict_images(model, images).lines(as_json=True)))
    for one in found["images"]:
        one["image"] = Path(one["image"]).name
    return found


def asked(client: TestClient, *images: tuple[str, bytes], **query: Any) -> dict[str, Any]:  # noqa: ANN401
    answer = client.post("/api/predict", files=form(*images), params=query)
    assert answer.status_code == 200, answer.text
    PredictionAnswer.model_validate(answer.json())
    return answer.json()


def kinds(folder: Path, example: bytes) -> list[Path]:
    """Write an image in every format that is read without an extra, and as DICOM."""
    (folder / "lesion.jpg").write_bytes(example)
    picture = Image.open(BytesIO(example))
    for name in ("lesion.png", "lesion.tif", "lesion.bmp", "lesion.webp"):
        picture.save(folder / name)
    write(folder / "lesion.dcm", dermoscopy(), PICTURE.tobytes(), "1.2.840.10008.1.2.1")
    return sorted(folder.iterdir())


def test_the_answer_is_what_predict_prints_for_every_format_and_in_order(
    client: TestClient, shipped_onnx: Path, examples: dict[str, bytes], tmp_path: Path
) -> None:
    paths = [*kinds(tmp_path, next(iter(examples.values()))), tmp_path / "broken.jpg"]
    paths[-1].write_bytes(next(iter(examples.values()))[:3000])
    found = asked(client, *((path.name, path.read_bytes()) for path in paths))
    assert found["notice"] == NOTICE
    assert found["models"] == [{"model": NAME, **printed(shipped_onnx, paths)}]
    rows = found["models"][0]["images"]
    assert [one["image"] for one in rows] == [path.name for path in paths]
    assert rows[-1]["error"].startswith("broken.jpg is truncated or damaged")
    assert all("probabilities" in one for one in rows[:-1])


def test_a_single_image_is_answered_as_predict_does(
    client: TestClient, shipped_onnx: Path, examples: dict[str, bytes], tmp_path: Path
) -> None:
    name, content = next(iter(examples.items()))
    path = tmp_path / name
    path.write_bytes(content)
    assert asked(client, (name, content))["models"][0]["images"] == printed(shipped_onnx, [path])["images"]


def test_each_frame_of_a_dicom_file_is_an_image(client: TestClient, tmp_path: Path) -> None:
    path = tmp_path / "scan.dcm"
    write(path, dermoscopy(NumberOfFrames=2), PICTURE.tobytes() + PICTURE[::-1].tobytes(), "1.2.840.10008.1.2.1")
    rows = asked(client, ("scan.dcm", path.read_bytes()))["models"][0]["images"]
    assert [one["image"] for one in rows] == ["scan.dcm#1", "scan.dcm#2"]
    assert rows[0]["probabilities"] != rows[1]["probabilities"]


def test_a_dicom_file_of_more_frames_than_a_request_may_hold_is_told_where_to_go(
    client: TestClient, tmp_path: Path
) -> None:
    path = tmp_path / "scan.dcm"
    write(path, dermoscopy(NumberOfFrames=33), PICTURE.tobytes() * 33, "1.2.840.10008.1.2.1")
    answer = client.post("/api/predict", files=form(("scan.dcm", path.read_bytes())))
    expected = (
        "33 images or frames; at most 32 are taken at once: send fewer files, or predict one of more frames by "
        "`attnmel predict`"
    )
    assert (answer.status_code, answer.json()["error"]) == (413, expected)


def test_models_answer_side_by_side_in_the_order_of_the_request(
    shipped_onnx: Path, exported: Path, examples: dict[str, bytes]
) -> None:
    models = Models({NAME: shipped_onnx, "tiny": exported}, None)
    images = list(examples.items())
    with TestClient(make_app(models), ADDRESS) as client:
        both = asked(client, *images)["models"]
        assert [one["model"] for one in both] == [NAME, "tiny"]
        assert asked(client, *images, model=["tiny", NAME])["models"] == both[::-1]
        assert asked(client, *images, model="tiny")["models"] == both[1:]
        unknown = client.post("/api/predict", files=form(*images), params={"model": "tinny"})
        assert (unknown.status_code, unknown.json()["error"]) == (
            400,
            f"unknown model 'tinny' (did you mean 'tiny'?); known: {NAME}, tiny",
        )


def test_a_model_is_asked_for_by_the_name_that_was_given_at_the_start(
    shipped_onnx: Path, exported: Path, examples: dict[str, bytes]
) -> None:
    models = Models({NAME: shipped_onnx, "tiny": exported}, None, {"pretrained": NAME, str(exported): "tiny"})
    images = list(examples.items())[:1]
    with TestClient(make_app(models), ADDRESS) as client:
        for given, name in {"pretrained": NAME, str(exported): "tiny", NAME: NAME}.items():
            assert [one["model"] for one in asked(client, *images, model=given)["models"]] == [name]
        assert len(asked(client, *images, model=["pretrained", NAME])["models"]) == 1
        unknown = client.post("/api/predict", files=form(*images), params={"model": "pretraned"})
    sentence = unknown.json()["error"]
    assert sentence.startswith("unknown model 'pretraned' (did you mean 'pretrained'?); known: ")
    assert sentence.endswith(f"{NAME}, pretrained, tiny")


@pytest.mark.parametrize(
    ("address", "query", "status", "sentence"),
    [
        (
            "predict",
            {"models": NAME},
            400,
            "unknown query parameter 'models' (did you mean 'model'?); known: model, pictures",
        ),
        ("predict", {"threshold": 0.5}, 400, "unknown query parameter 'threshold'; known: model, pictures"),
        ("predict", {"pictures": "perhaps"}, 422, "pictures = 'perhaps': expected true or false"),
    ],
)
def test_a_query_that_is_not_possible_is_explained(
    client: TestClient, address: str, query: dict[str, Any], status: int, sentence: str
) -> None:
    answer = client.post(f"/api/{address}", files=form(("a.png", png())), params=query)
    assert (answer.status_code, answer.json()["error"]) == (status, sentence)


def test_an_address_without_parameters_takes_none(client: TestClient) -> None:
    answer = client.get("/api/info?verbose=1")
    sentence = "unknown query parameter 'verbose'; known: none at this address"
    assert (answer.status_code, answer.json()["error"]) == (400, sentence)


def test_the_colours_of_the_maps_are_those_of_their_layers(client: TestClient) -> None:
    colours = pixels(client.get("/api/info").json()["map_colours"])
    assert np.array_equal(colours, map_layer(np.arange(256, dtype=np.uint8)[None]))


def test_the_description_says_how_a_token_is_given_where_one_is_needed(models: Models) -> None:
    token = "a-token-of-many-letters"
    free, guarded = (make_app(models, token=one).openapi() for one in (None, token))
    assert "securitySchemes" not in free.get("components", {})
    schemes = guarded["components"]["securitySchemes"]
    assert schemes["HTTPBearer"]["scheme"] == "bearer"
    assert (schemes["APIKeyCookie"]["in"], schemes["APIKeyCookie"]["name"]) == ("cookie", cookie_name(token))
    for path in guarded["paths"].values():
        (operation,) = path.values()
        assert {name for one in operation["security"] for name in one} == set(schemes), "either of them is enough"


def pixels(url: str) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(base64.b64decode(url.partition(",")[2]))))


def test_pictures_are_in_the_geometry_of_the_upright_image(client: TestClient, examples: dict[str, bytes]) -> None:
    picture, file = Image.open(BytesIO(next(iter(examples.values())))).resize((300, 200)), BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(file, "JPEG", exif=exif)
    found = asked(client, ("turned.jpg", file.getvalue()), ("broken.png", b"\x89PNG\r\n\x1a\n"), pictures=True)
    turned, broken = found["pictures"]
    assert broken is None
    assert (turned["width"], turned["height"]) == (200, 300)
    assert pixels(turned["image"]).shape == (300, 200, 3)
    layers = turned["maps"][NAME]
    assert set(layers) == {"pool3", "pool4"}
    left, top, side = turned["squares"][NAME][0]
    for one in layers.values():
        layer = pixels(one["layer"])
        assert layer.shape == (300, 200, 4)
        rows, columns = np.nonzero(layer[..., 3])
        assert rows.min() >= top - 1
        assert rows.max() <= top + side
        assert columns.min() >= left - 1
        assert columns.max() <= left + side
        assert 0 <= one["low"] < one["high"] <= 1


def test_a_large_image_is_shown_reduced_with_its_own_size(client: TestClient) -> None:
    file = BytesIO()
    Image.new("RGB", (4000, 1000), "sienna").save(file, "JPEG")
    (shown,) = asked(client, ("wide.jpg", file.getvalue()), pictures=True)["pictures"]
    assert (shown["width"], shown["height"]) == (4000, 1000)
    assert pixels(shown["image"]).shape == (400, 1600, 3)


def test_an_overlay_is_the_picture_that_predict_writes(
    client: TestClient, shipped_onnx: Path, examples: dict[str, bytes], tmp_path: Path
) -> None:
    name, content = next(iter(examples.items()))
    path = tmp_path / name
    path.write_bytes(content)
    made = Predictor(shipped_onnx).predict(path)
    values = tuple(made.probabilities.values())
    write_image_maps(tmp_path, path, made.attention, made.card, made.seen, probabilities=values)
    for one in ("pool3", "pool4"):
        answer = client.post("/api/overlay", files=form((name, content)), params={"map": one})
        assert answer.headers["content-type"] == "image/png"
        written = np.asarray(Image.open(tmp_path / f"{path.stem}-{one}.png"))
        assert np.array_equal(np.asarray(Image.open(BytesIO(answer.content))), written)


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ({"map": "pool5"}, 400, "unknown attention map 'pool5' (did you mean 'pool4'?); known: pool3, pool4"),
        ({"longest": 5}, 422, "longest = '5': expected at least 64"),
        ({"longest": "wide"}, 422, "longest = 'wide': expected a whole number"),
        ({"maps": "pool3"}, 400, "unknown query parameter 'maps' (did you mean 'map'?); known: map, model, longest"),
    ],
)
def test_an_overlay_that_is_not_possible_is_explained(
    client: TestClient, query: dict[str, Any], status: int, sentence: str
) -> None:
    answer = client.post("/api/overlay", files=form(("a.png", png())), params=query)
    assert (answer.status_code, answer.json()["error"]) == (status, sentence)


def test_an_overlay_of_no_image_or_of_two_is_refused(client: TestClient) -> None:
    none = client.post("/api/overlay", files=form(("a.txt", b"hello")))
    assert none.status_code == 422
    assert none.json()["error"].startswith("a.txt is no picture; expected a picture in the format JPEG")
    two = client.post("/api/overlay", files=form(("a.png", png()), ("b.png", png())))
    assert (two.status_code, two.json()["error"]) == (400, "2 images; expected one for one picture")


def test_a_mask_gives_its_border_and_the_share_of_the_lesion(shipped_onnx: Path) -> None:
    mask = np.zeros((200, 200), dtype=bool)
    mask[50:150, 50:150] = True
    models = Models({NAME: shipped_onnx}, lambda image: mask if image.name == "a.png" else mask[:9])
    with TestClient(make_app(models, None), ADDRESS) as client:
        found = asked(client, ("a.png", png(200)), ("b.png", png(200)), pictures=True)
    first, second = found["models"][0]["images"]
    assert first["share_of_lesion"] == 1.0
    assert second["error"].startswith("the mask is 200 x 9 pixels, but its image is 200 x 200")
    border = pixels(found["pictures"][0]["mask"])
    assert border[100, 50, 3] > 200
    assert border[100, 100, 3] == 0
    assert border[5, 5, 3] == 0


def test_the_border_of_a_large_image_is_reduced_with_it(shipped_onnx: Path) -> None:
    mask = np.zeros((2000, 2000), dtype=bool)
    mask[500:1500, 500:1500] = True
    models = Models({NAME: shipped_onnx}, lambda _: mask)
    with TestClient(make_app(models, None), ADDRESS) as client:
        found = asked(client, ("a.png", png(2000)), pictures=True)
    border = pixels(found["pictures"][0]["mask"])
    assert border.shape == (1600, 1600, 4)
    assert border[800, 400, 3] > 200
    assert border[800, 800, 3] == 0


def test_models_and_limits_are_described(client: TestClient) -> None:
    found = client.get("/api/info").json()
    Info.model_validate(found)
    (model,) = found["models"]
    assert model["classes"] == ["rest", "melanoma"]
    assert model["maps"] == ["pool3", "pool4"]
    assert model["transforms"] == ["probabilities are means over 8 transforms of each image (dihedral)"]
    assert re.match("on the test images the probabilities are too (low|high) on the whole: ", model["on_test_images"])
    assert "images" not in model


def test_the_api_is_documented_without_pages_that_load_scripts_from_elsewhere(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    assert set(described["paths"]) == {"/api/info", "/api/predict", "/api/overlay"}
    body = described["paths"]["/api/predict"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert body["properties"]["images"]["items"] == {"type": "string", "format": "binary"}
    assert described["paths"]["/api/predict"]["post"]["responses"]["429"]["description"]
    for page in ("/docs", "/redoc"):
        assert client.get(page).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "sentence"),
    [
        ("GET", "/nothing", 404, "there is nothing at '/nothing'; known: /, /api/info, /api/predict, /api/overlay"),
        ("GET", "/api/predict", 405, "'/api/predict' does not take GET; send POST"),
        ("POST", "/", 405, "'/' does not take POST; send GET, HEAD"),
        ("DELETE", "/api/info", 405, "'/api/info' does not take DELETE; send GET"),
    ],
)
def test_another_address_or_method_is_explained(
    client: TestClient, method: str, path: str, status: int, sentence: str
) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()) == (status, {"error": sentence})
    if status == 405:
        assert answer.headers["allow"]


def test_an_error_of_the_program_is_json_for_the_sender_and_a_traceback_for_the_server(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> dict[str, object]:
        raise KeyError("map_colours")

    monkeypatch.setattr(app, "info", broken)
    told = "an error of the program; what the server wrote to standard error says where"
    with pytest.raises(KeyError, match="map_colours"):
        client.get("/api/info")
    quiet = TestClient(client.app, ADDRESS, raise_server_exceptions=False)
    answer = quiet.get("/api/info")
    assert (answer.status_code, answer.json()) == (500, {"error": told})


def test_images_never_reach_a_disk(
    client: TestClient, examples: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **named: object) -> None:
        raise AssertionError("a file is made")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", refuse)
    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    name, content = next(iter(examples.items()))
    big = content + bytes(3 << 20)  # bytes after the end of a JPEG are ignored
    assert asked(client, (name, big))["models"] == asked(client, (name, content))["models"]


def test_nothing_is_reported_to_a_provider_of_telemetry(
    models: Models, examples: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    spans: list[str] = []

    class Recording(trace.NoOpTracer):
        def start_span(self, name: str, *more: Any, **named: Any) -> trace.Span:  # noqa: ANN401
            spans.append(name)
            return super().start_span(name, *more, **named)

    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setattr(trace.ProxyTracerProvider, "get_tracer", lambda *more, **named: Recording())
    with TestClient(make_app(models), ADDRESS) as client:
        asked(client, *examples.items())
    assert spans == []
