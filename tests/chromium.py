"""An installed Chromium for the tests that need a browser, and the mark of these tests."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in NAMES if (found := shutil.which(name))), "")

needs_chromium = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM, reason="needs an installed Chromium")]
"""The `pytestmark` of a file of tests."""


@contextmanager
def chromium() -> Iterator[Any]:
    """Run Chromium, with a camera that shows a test picture, until the end of the block.

    Within the block the thread has a running event loop, so that no other code can start one.
    """
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--use-fake-device-for-media-stream"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium for the tests of one file."""
    with chromium() as one:
        yield one
