"""`attnmel models`: the pretrained networks of the installation."""

from typing import TYPE_CHECKING, Annotated

import typer

from attnmel.cli import completion
from attnmel.cli.terminal import Json, print_json, print_table
from attnmel.errors import require_known
from attnmel.number_formats import in_ascii, size_in_words

if TYPE_CHECKING:
    from attnmel.pretrained.card import Measured


def models(
    name: Annotated[
        str | None, typer.Argument(help="Model whose card to print.", autocompletion=completion.models)
    ] = None,
    as_json: Json = False,
) -> None:
    """List the pretrained networks, or print the card of one.

    Every command that takes a model takes their names; `pretrained` is the default one. A card says how good the
    network is, on which images, which thresholds to use and what the limits are.

    Example:
        attnmel models pretrained
    """
    from attnmel.pretrained.catalogue import ANY, DEFAULT, find_model, model_names, open_model

    if name is not None:
        require_known("model", name, (ANY, *model_names()))
        found = find_model(name)
        assert found is not None
        if as_json:
            print_json(found.card.model_dump(mode="json"))
        else:
            from attnmel.pretrained.card_text import card_text

            print(card_text(found.card))
        return
    cards = [open_model(one).card for one in model_names()]
    if as_json:
        print_json([card.model_dump(mode="json") for card in cards])
        return
    print_table(
        ["name", "network", "trained on", "test AUC", "size"],
        [
            [
                f"{card.name} ({ANY})" if card.name == DEFAULT else card.name,
                card.network.partition(",")[0],
                ", ".join(one.name for one in card.data if one.use == "training"),
                _figure(card.measure("auc")),
                size_in_words(sum(one.size for one in card.files.values())),
            ]
            for card in cards
        ],
    )
    _print_examples()
    print(cards[0].notice)


def _print_examples() -> None:
    from attnmel.pretrained.examples import PREFIX, example_names

    print(f"\nexample images: {', '.join(f'{PREFIX}{one}' for one in example_names())}, or {PREFIX}all")


def _figure(found: "Measured") -> str:
    return in_ascii((found.value, found.low, found.high))
