"""What is left out of most tests, or done once for all of them, since it takes time and is tested elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from hypothesis import settings
from tests.checked_calls import begin_test
from tests.conftest import EMPTY, TESTS, made_once
from tests.fewer_draws import all_draws, computes_all, fewer_draws
from tests.kept_graphs import kept_graph

from attnmel.pipeline.export import export

settings.register_profile("attnmel", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("attnmel")  # a busy machine fails no test, and a test that fails does so every time


def pytest_runtest_setup() -> None:
    begin_test()


@pytest.fixture(scope="module", autouse=True)
def _empty_figures(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave the curves and pictures of a report out where commands are tested: they take most of the time of a page.

    They are drawn in `tests/figures`, `tests/report`, and for a run's page in `tests/pipeline/report/test_report.py`.
    """
    here = request.path.relative_to(TESTS)
    with pytest.MonkeyPatch.context() as patch:
        if here.parts[0] in ("cli", "documents", "pipeline") and here.name != "test_report.py":
            patch.setattr("attnmel.figures.svg.Figure.savefig", lambda figure, file, **named: file.write(EMPTY))
            patch.setattr("attnmel.report.galleries.examples.overlay", lambda picture, *maps, **named: picture[:1, :1])
        yield


@pytest.fixture(scope="session", autouse=True)
def _graphs_made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    kept_graph.folder = made_once(tmp_path_factory) / "graphs"
    kept_graph.folder.mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "onnx_graph", kept_graph)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_grammar_of_addresses() -> Iterator[None]:
    """Let jsonschema do without the grammar of IRIs, which takes seconds to load and none of our schemas names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "rfc3987_syntax", None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _fewer_draws() -> Iterator[None]:
    with fewer_draws():
        yield


@pytest.fixture(scope="module", autouse=True)
def _all_draws_of_statistics(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compute all of the statistics in the tests of them."""
    with all_draws() if computes_all(request.path.relative_to(TESTS)) else nullcontext():
        yield
