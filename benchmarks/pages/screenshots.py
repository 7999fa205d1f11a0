"""Make the pictures of docs/screens with the images that come along, in an installed Chromium.

    python benchmarks/pages/screenshots.py [--segmenter RUN] [--out docs/screens]

The page of `attnmel serve` light, dark and on a phone; the page of a reader alone, with the machine and on a phone; and
the report of a study of synthetic readers. PNG files of 64 colours.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from attnmel.pretrained.examples import FOLDER

DESK, PHONE = {"width": 1000, "height": 760}, {"width": 390, "height": 844}
COLOURS = 64
PROGRAM = next((one for name in ("chromium", "google-chrome") if (one := shutil.which(name))), None)
EXAMPLES = sorted(FOLDER.glob("*.jpg"))
READING = "!document.getElementById('reading').hidden"


def attnmel(*words: object) -> str:
    """Run a command of the program; return what it prints."""
    command = [sys.executable, "-m", "attnmel", *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def serving(*words: object) -> Iterator[str]:
    """Run a server on a free port; give its address."""
    command = [sys.executable, "-m", "attnmel", *map(str, words), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def opened(browser: Browser, address: str, *, phone: bool = False, dark: bool = False) -> Page:
    """Open a page in a window of its own."""
    context = browser.new_context(
        viewport=PHONE if phone else DESK,  # pyright: ignore[reportArgumentType] - a dict of both keys
        is_mobile=phone,
        has_touch=phone,
        color_scheme="dark" if dark else "light",
    )
    page = context.new_page()
    page.set_default_timeout(300_000)
    page.goto(address)
    return page


def shot(page: Page, path: Path, *, whole: bool = False) -> None:
    """Write what is seen, in few colours."""
    page.screenshot(path=path, full_page=whole)
    with Image.open(path) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path, path.stat().st_size // 1024, "KB", flush=True)


def serve_pages(browser: Browser, out: Path, segmenter: Path | None) -> None:
    """Show a case with map and border, and the table."""
    more = ("--segmenter", segmenter) if segmenter is not None else ()
    with serving("serve", "pretrained", *more) as address:
        for name, options in (("light", {}), ("dark", {"dark": True}), ("phone", {"phone": True})):
            page = opened(browser, address, **options)
            page.wait_for_selector("#layers input", state="attached")
            page.set_input_files("#files", EXAMPLES[:3])
            page.wait_for_selector(".stage img.map >> nth=0", state="attached")
            page.wait_for_function("() => document.getElementById('status').textContent.startsWith('3 images')")
            page.evaluate("() => document.getElementById('case').scrollIntoView()")
            page.wait_for_timeout(500)
            shot(page, out / f"serve-{name}.png")
            page.context.close()


def begun(page: Page) -> None:
    """Leave the welcome for the first case."""
    page.click("#again")
    page.wait_for_function(f"() => {READING}")


def answered(page: Page, suspicion: int) -> None:
    """Answer every question, and wait for what comes next."""
    before = page.text_content("#count")
    page.locator("#suspicion").fill(str(suspicion))
    for name in ("diagnosis", "confidence", "management"):
        page.locator(f"#{name} input").nth(1).check()
    page.click("#send")
    page.wait_for_function(f"count => document.getElementById('count').textContent !== count && {READING}", arg=before)


def study_pages(browser: Browser, folder: Path, out: Path) -> None:
    """Show a case alone, with the machine, and on a phone."""
    data = folder / "images"
    data.mkdir()
    rows = ["image,label"]
    for number, path in enumerate(EXAMPLES):
        shutil.copy(path, data)
        rows.append(f"{path.name},{'melanoma' if number % 2 else 'nevus'}")
    (data / "labels.csv").write_text("\n".join(rows) + "\n")
    study, count = folder / "lesions", len(EXAMPLES) // 2
    counts = ("--count", f"melanoma={count}", "--count", f"nevus={count}", "--training", 0, "--repeats", 0)
    printed = attnmel(
        "study", "new", study, data, *counts, "--machine", "pretrained", "--reader", "ana", "--reader", "ben"
    )
    links = [line.partition("#")[2].strip() for line in printed.splitlines() if "#" in line]
    with serving("study", "serve", study) as address:
        page = opened(browser, f"{address}#{links[0]}")
        page.wait_for_selector("#again:not([hidden])")
        shot(page, out / "study-welcome.png")
        begun(page)
        shot(page, out / "study-alone.png")
        answered(page, 35)
        page.emulate_media(color_scheme="dark")
        shot(page, out / "study-machine-dark.png")
        page = opened(browser, f"{address}#{links[1]}", phone=True)
        begun(page)
        shot(page, out / "study-phone.png")


def report_page(browser: Browser, folder: Path, out: Path) -> None:
    """Show the start of the report of synthetic readers."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from tests.strangers.readings.make_readers import write_sequential

    readings = write_sequential(folder / "readings.csv")
    attnmel("study", "analyse", readings, "--out", folder / "results")
    page = opened(browser, (folder / "results" / "report.html").as_uri())
    page.wait_for_timeout(500)
    shot(page, out / "study-report.png")


def main() -> None:
    """Make all pictures, or those whose part is named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--segmenter", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/screens"))
    parser.add_argument("--only", choices=("serve", "study", "report"))
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as started, tempfile.TemporaryDirectory() as made:
        browser = started.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"])
        parts: dict[str, Any] = {
            "study": lambda: study_pages(browser, Path(made), chosen.out),
            "report": lambda: report_page(browser, Path(made), chosen.out),
            "serve": lambda: serve_pages(browser, chosen.out, chosen.segmenter),
        }
        for name, part in parts.items():
            if chosen.only in (None, name):
                part()
        browser.close()


if __name__ == "__main__":
    main()
