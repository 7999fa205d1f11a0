"""What the shell completes after TAB: names of recipes, models and data sets; paths are the shell's own part."""


def recipes(incomplete: str) -> list[str]:
    """Return the shipped recipes that begin so."""
    from attnmel.config.load import recipe_names

    return [name for name in recipe_names() if name.startswith(incomplete)]


def models(incomplete: str) -> list[str]:
    """Return the pretrained models that begin so."""
    from attnmel.pretrained.catalogue import ANY, model_names

    return [name for name in (ANY, *model_names()) if name.startswith(incomplete)]


def images(incomplete: str) -> list[str]:
    """Return the example images that begin so."""
    from attnmel.pretrained.examples import PREFIX, example_names

    return [name for name in (f"{PREFIX}{one}" for one in (*example_names(), "all")) if name.startswith(incomplete)]


def data_sets(incomplete: str) -> list[str]:
    """Return the known data sets that begin so."""
    from attnmel.data.datasets.read_dataset import SOURCES

    return [name for name in sorted(SOURCES) if name.startswith(incomplete)]
