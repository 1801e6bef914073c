"""Take README's picture of the cover from the built site: `python web/cover/picture.py`."""

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "book" / "images" / "cover.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
UNITS = 24


def main():
    """Open the cover, move its slider to UNITS hidden units, save what one sees."""
    browser = next(found for name in BROWSERS if (found := shutil.which(name)))
    with sync_playwright() as play, play.chromium.launch(executable_path=browser, args=FLAGS) as b:
        page = b.new_page(viewport={"width": 1000, "height": 900}, color_scheme="light")
        page.goto((ROOT / "_build" / "html" / "book" / "index.html").as_uri())
        page.locator("input[type=range]").first.evaluate(
            f"e => {{ e.value = {UNITS}; e.dispatchEvent(new Event('input', {{bubbles: true}})) }}"
        )
        page.locator("figure").first.screenshot(path=PICTURE)
    print(f"{PICTURE}: {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
