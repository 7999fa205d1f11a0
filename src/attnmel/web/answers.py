"""What is computed of one image, and the plain values that the API answers."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from attnmel import NOTICE, __version__
from attnmel.files.table_files import nan_to_null, printable_texts
from attnmel.pipeline.predict.table import ImageResult
from attnmel.records import ATTENTION_MAPS
from attnmel.web.limits import Limits
from attnmel.web.models import Models, ServedModel
from attnmel.web.pictures import map_colours, overlay_png, pictures
from attnmel.web.uploads import Upload


class ImageAnswer(NamedTuple):
    """One image: the result of each model by name, and its pictures where they were asked for."""

    results: Mapping[str, ImageResult]
    pictures: dict[str, object] | None


def predicted(upload: Upload, models: Models, names: Sequence[str], with_pictures: bool, many: bool) -> ImageAnswer:
    """Predict an image by the named models."""
    case = models.predict(upload.source(), names, many=many)
    return ImageAnswer(case.results, pictures(case) if with_pictures else None)


def drawn(upload: Upload, models: Models, model: ServedModel, name: str, longest: int, many: bool) -> bytes:
    """Draw an attention map over an image, as PNG."""
    return overlay_png(models.predict(upload.source(), [model.name], many=many), model, name, longest)


def json_answer(chosen: Sequence[ServedModel], found: Sequence[ImageAnswer], with_pictures: bool) -> dict[str, object]:
    """Return what `attnmel predict --json` prints of the images, for each model with its name, and the pictures."""
    models = []
    for one in chosen:
        rows = [one.table.plain_result(image.results[one.name]) for image in found]
        models.append({**one.facts, "images": nan_to_null(printable_texts(rows))})
    shown = {"pictures": [image.pictures for image in found]} if with_pictures else {}
    return {"notice": NOTICE, "models": models, **shown}


def info(models: Models, limits: Limits) -> dict[str, object]:
    """Return the models with what their numbers mean, and what one request may hold."""
    facts = [
        {
            **one.facts,
            "network": one.card.network,
            "classes": list(one.card.classes),
            "positives": list(one.card.positives),
            "on_test_images": one.on_test_images,
            "usual_point": usual.name if (usual := one.usual_threshold) else None,
            "maps": list(ATTENTION_MAPS) if one.card.has_attention else [],
        }
        for one in models.by_name.values()
    ]
    return {
        "notice": NOTICE,
        "version": __version__,
        "segmenter": models.mask_of is not None,
        "map_colours": map_colours() if any(one["maps"] for one in facts) else None,
        "limits": {"files": limits.files, "file_bytes": limits.file_bytes, "request_bytes": limits.request_bytes},
        "models": facts,
    }
