"""What the JSON API answers, for /openapi.json; the answers themselves are made by `attnmel predict`'s table."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from attnmel.web.uploads import FIELD


class _Plain(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


class Refusal(_Plain):
    """Why a request was refused."""

    error: str


class AchievedRates(_Plain):
    """What a threshold achieved on some images: value and ends of the 95 % interval."""

    split: str
    images: int
    positives: int
    sensitivity: list[float | None]
    specificity: list[float | None]


class ModelPoint(_Plain):
    """A probability above which an image counts as positive."""

    name: str
    task: str = Field(description="The class that is evaluated against the rest.")
    threshold: float
    target: float | None
    sensitivity: float | None
    specificity: float | None
    images: int
    positives: int
    achieved: list[AchievedRates]


class ImageRow(_Plain):
    """What a model says of one image, or why it cannot be used."""

    image: str = Field(description="Name of the file; of a DICOM file with several frames NAME#FRAME.")
    probabilities: dict[str, float] | None = Field(None, description="By class; at the model's temperature.")
    uncalibrated: dict[str, float] | None = Field(None, description="In place of them, without its temperature.")
    decisions: dict[str, int] | None = Field(None, description="By operating point: 1 above its threshold, else 0.")
    share_of_image: float | None = Field(None, description="Share of the image's area that the network saw.")
    share_of_lesion: float | None = Field(None, description="Share of the lesion's area; only with a segmenter.")
    warnings: list[str] | None = None
    notes: list[str] | None = Field(None, description="How the file was read, where that is more than its pixels.")
    error: str | None = None


class ModelFacts(_Plain):
    """A model, and what its numbers mean."""

    model: str
    notice: str
    licence: str
    recipe: str
    epoch: int
    calibration: str
    temperature: float | None
    transforms: list[str] = Field(description="Over which transforms of each image probabilities are means.")
    chosen_on: str | None = None
    thresholds: list[ModelPoint] = []
    warnings_not_checked: list[str] = []


class ModelAnswer(ModelFacts):
    """The answer of one model: what `attnmel predict --json` prints, with the model's name."""

    images: list[ImageRow] = Field(description="In the order of the request.")


class MapLayer(_Plain):
    """An attention map as a picture, from its lowest to its highest value."""

    layer: str = Field(description="PNG with opacity, as data URL; it covers the whole image.")
    low: float
    high: float


class Pictures(_Plain):
    """An image and what may be laid over it."""

    width: int = Field(description="Of the upright image in pixels, as the height.")
    height: int
    image: str = Field(description="JPEG as data URL, reduced.")
    mask: str | None = Field(description="Border of the predicted lesion mask, PNG with opacity as data URL.")
    maps: dict[str, dict[str, MapLayer]] = Field(description="By model and map; empty without attention.")
    squares: dict[str, list[list[float]]] = Field(description="By model: left, top, side in pixels of the image.")


class PredictionAnswer(_Plain):
    """The answer to a request."""

    notice: str
    models: list[ModelAnswer]
    pictures: list[Pictures | None] | None = Field(None, description="For each image, where they were asked for.")


class ServedFacts(ModelFacts):
    """A model of this server."""

    network: str
    classes: list[str]
    positives: list[str] = Field(description="Target classes; the first is the main one.")
    on_test_images: str = Field(
        description="Whether the probabilities of a pretrained model are too low or too high on its test images."
    )
    usual_point: str | None = Field(description="Name of the operating point that the page shows first.")
    maps: list[str]


class AcceptedSizes(_Plain):
    """What one request may hold."""

    files: int
    file_bytes: int
    request_bytes: int


class Info(_Plain):
    """The server and its models."""

    notice: str
    version: str
    segmenter: bool
    map_colours: str | None = Field(description="Colours of a map from its lowest to its highest value; PNG data URL.")
    limits: AcceptedSizes
    models: list[ServedFacts]


IMAGES_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {
                        FIELD: {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1}
                    },
                }
            }
        },
    }
}
"""The body of a request with images, which is read in parts and so has no parameter of its own."""

PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": Refusal, "description": "No image, an unknown model or map, or a form that cannot be read."},
    401: {"model": Refusal, "description": "The token is missing or wrong."},
    403: {"model": Refusal, "description": "Sent by a page of another site."},
    408: {"model": Refusal, "description": "The request came too slowly."},
    413: {"model": Refusal, "description": "Too many bytes or images."},
    415: {"model": Refusal, "description": "Not a form."},
    421: {"model": Refusal, "description": "Not the server's own host name."},
    422: {"model": Refusal, "description": "A parameter, or the only image, cannot be used."},
    429: {"model": Refusal, "description": "Too many images are waiting; try again later."},
    500: {"model": Refusal, "description": "An error of the program."},
    503: {"model": Refusal, "description": "A library hangs on an image."},
}
