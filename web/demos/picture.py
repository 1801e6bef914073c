"""Take the still picture that stands for the playground until it is opened.

    python web/demos/picture.py     from the built site to book/images/playground.png

Its ground is transparent, its lines are of a middle grey: it is legible on light and dark.
"""

import base64
import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from coursekit.pdf import FLAGS, find_browser

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "book" / "images" / "playground.png"
STEPS, COLOURS = 600, 128
DRAW = """steps => {
  const demo = document.querySelector('course-demo').demo;
  demo.trainer.run(steps);
  const grey = '#808080';
  demo.pictures.colours = {text: grey, muted: grey, line: grey, paper: 'transparent'};
  demo.draw();
  const {network, plane} = demo.pictures.canvases;
  const whole = document.createElement('canvas');
  const gap = 24;
  whole.width = network.width + gap + plane.width + 2;
  whole.height = plane.height + 2;
  const context = whole.getContext('2d');
  context.drawImage(network, 0, (whole.height - network.height) / 2);
  context.drawImage(plane, network.width + gap + 1, 1);
  context.strokeStyle = grey;
  context.strokeRect(network.width + gap + .5, .5, plane.width + 1, plane.height + 1);
  return whole.toDataURL('image/png').split(',')[1];
}"""


def main():
    """Train the two spirals for STEPS steps, save network and plane side by side."""
    page_file = ROOT / "_build" / "html" / "book" / "playground.html"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_browser(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 900}, color_scheme="light")
        page.goto(page_file.as_uri() + "#spiral")
        page.wait_for_function("document.querySelector('course-demo').demo")
        data = base64.b64decode(page.evaluate(DRAW, STEPS))
        browser.close()
    image = Image.open(io.BytesIO(data)).convert("RGBA")
    image.quantize(COLOURS, method=Image.Quantize.FASTOCTREE).save(PICTURE, optimize=True)
    print(f"{PICTURE}: {image.size[0]} x {image.size[1]}, {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
