"""Changed settings of several recipes are split into those that concern one and the others."""

from attnmel.config.overrides import of_recipe


def test_repeats_of_a_class_concern_networks_alone() -> None:
    given = ["data.repeats.melanoma=2", "data.statistics.of=x", "data.size=64", "svm.folds=3"]
    assert of_recipe("isic2017/mahbod", given) == (["data.size=64", "svm.folds=3"], given[:2])
    assert of_recipe("isic2017/attnmel", given) == (given[:3], given[3:])
