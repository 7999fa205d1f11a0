"""What leaves the machine has names in place of paths, also of folders with spaces."""

import pytest

from attnmel.config.load import load_recipe
from attnmel.pipeline.run.publishable import shared_provenance, shared_recipe

FOLDER, WEIGHTS = "/home/Jane Doe/clinic images", "/home/Jane Doe/run 1/best.safetensors"

OFFICIAL = "data.exclude=['ISIC_0000001']"


@pytest.mark.parametrize(
    "address", ["file:///home/Jane/vgg16_bn.pth", "https://jane:secret@host/lab/vgg16_bn.pth?signature=secret"]
)
def test_nothing_of_an_address_is_left_but_the_name_of_the_file(address: str) -> None:
    stored = shared_recipe(load_recipe("isic2017/attnmel", [f"model.weights={address}"]))
    assert 'weights = "vgg16_bn.pth"' in stored
    assert not [word for word in ("ane", "secret", "host") if word in stored]


def test_nothing_of_a_path_is_left_but_its_name() -> None:
    recipe = load_recipe("demo", [f"data.dataset={FOLDER}", f"model.weights={WEIGHTS}", "data.exclude=['a b/c']"])
    provenance = {
        "start": f"weights of {WEIGHTS} (demo/x, epoch 3), with its head",
        "teacher": {"table": "/srv/a b/table.csv", "weight": 0.5},
        "licence": "CC-0; /etc/terms",
        "command": f"attnmel train {FOLDER}",
        "data": {"dataset": "clinic images", "licence": "CC-0", "content": "0" * 64},
    }
    shared = shared_provenance(provenance, recipe, "attnmel push")
    assert shared["start"] == "weights of best.safetensors (demo/x, epoch 3), with its head"
    assert shared["teacher"] == {"table": "table.csv", "weight": 0.5}
    assert shared["licence"] == "CC-0; terms"
    stored = shared_recipe(recipe)
    assert 'dataset = "clinic images"' in stored
    assert 'weights = "best.safetensors"' in stored
    assert "a b/c" not in stored, "an id of an image of one's own"
    assert 'exclude = [\n    "ISIC_0000001",\n]' in shared_recipe(load_recipe("isic2017/attnmel", [OFFICIAL]))
    assert "Jane" not in f"{shared}{stored}"
