"""Measure the site.

python web/bench/measure.py build            75 pages: seconds cold, and after one edit
python web/bench/measure.py weight           what each page of _build/html makes a phone fetch
python web/bench/measure.py demo             steps and pictures a second of the playground
python web/bench/measure.py lighthouse PAGE  scores of a page (needs `npm ci --prefix web/bench`)
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import site_course  # noqa: E402
import site_pages  # noqa: E402
from coursekit.site import find_node, make_server  # noqa: E402

PAGES = 75


def build():
    """Print the seconds of a cold build of PAGES pages and of one after an edit."""
    with tempfile.TemporaryDirectory() as name:
        folder = site_course.make_course(Path(name) / "course")
        cells = site_course.sample_cells()[:-1]
        entries = []
        for number in range(PAGES - 10):
            path = folder / "notebooks" / "lessons" / f"b{number:02}.ipynb"
            body = [c for copy in range(4) for c in cells[1:]]
            title = site_course.sample_cells(number)[0]
            site_course.write_notebook(path, [title, *body])
            entries.append(f"      - file: notebooks/lessons/b{number:02}")
        toc = folder / "_toc.yml"
        toc.write_text(toc.read_text().replace("chapters:", "\n".join(["chapters:", *entries]), 1))
        for what in ("cold", "after one edit"):
            start, before = time.perf_counter(), sum(os.times()[2:4])
            status, said = site_course.build(folder)
            seconds, cpu = time.perf_counter() - start, sum(os.times()[2:4]) - before
            assert status == 0, said
            pages = len(site_pages.names(folder / "_build" / "html"))
            print(
                f"{what}: {seconds:.1f} s ({cpu:.1f} s of work), {pages} pages, "
                f"{os.cpu_count()} cores"
            )
            lesson = folder / "notebooks" / "lessons" / "b07.ipynb"
            lesson.write_text(lesson.read_text().replace("Think first", "Think twice"))


def weight():
    """Print compressed bytes and number of files for each page, pictures apart."""
    from playwright.sync_api import sync_playwright

    browser = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))))
    html = ROOT / "_build" / "html"
    with make_server(html) as server, sync_playwright() as driver:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        opened = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for name in site_pages.names(html):
            page, asked = opened.new_page(viewport={"width": 390, "height": 844}), []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.goto(f"http://127.0.0.1:{server.server_port}/{name}", wait_until="networkidle")
            files = [html / u.split("/", 3)[3].split("?")[0] for u in asked if "data:" not in u]
            own = [f for f in files if "_images" not in f.parts]
            pictures = sum(site_pages.packed_size(f) for f in files if f not in own)
            total = sum(site_pages.packed_size(f) for f in own)
            print(f"{name}: {total:,} bytes in {len(own)} files, and {pictures:,} of pictures")
            page.close()
        server.shutdown()


PLAY = """async (seconds) => {
  const {demo} = document.querySelector('course-demo');
  demo.begin({...demo.state, hidden: [16, 16], batch: 128, opt: 'adam'});
  demo.find('[name=speed]').value = '0';
  demo.play(true);
  const wait = (s) => new Promise((done) => setTimeout(done, 1000 * s));
  await wait(2); // until the browser has compiled what runs often
  const [steps, frames, start] = [demo.trainer.steps, demo.frames, performance.now()];
  await wait(seconds);
  const passed = (performance.now() - start) / 1000;
  demo.play(false);
  return [(demo.trainer.steps - steps) / passed, (demo.frames - frames) / passed];
}"""


def demo():
    """Print how fast 2-16-16-1 trains in the page, batch 128, Adam, and is drawn meanwhile."""
    from playwright.sync_api import sync_playwright

    from coursekit.pdf import FLAGS, find_browser

    page_file = ROOT / "_build" / "html" / "book" / "playground.html"
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=find_browser(), args=FLAGS)
        page = opened.new_page(viewport={"width": 1400, "height": 900})
        page.goto(f"{page_file.as_uri()}#spiral")
        page.wait_for_function("document.querySelector('course-demo').demo")
        for _ in range(5):
            steps, frames = page.evaluate(PLAY, 4)
            load = os.getloadavg()[0]
            print(f"{steps:,.0f} steps and {frames:.0f} pictures a second (load {load:.1f})")
        opened.close()


class Packed(SimpleHTTPRequestHandler):
    """Serve as a publisher does: text compressed, files kept for a while."""

    def do_GET(self):
        """Answer with the file, compressed unless it is so already."""
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Cache-Control", "max-age=31536000")
        if path.suffix not in site_pages.PACKED:
            data = gzip.compress(data)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """Say nothing for each file."""


def lighthouse(name):
    """Print the four scores of a page on a phone."""
    tool = ROOT / "web" / "bench" / "node_modules" / "lighthouse" / "cli" / "index.js"
    flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"
    browser = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))))
    handler = partial(Packed, directory=str(ROOT / "_build" / "html"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/{name}"
        command = [str(find_node()), str(tool), address, "--quiet", "--output=json"]
        command += [f"--chrome-flags={flags}", "--no-enable-error-reporting"]
        environment = {**os.environ, "CHROME_PATH": browser}
        said = subprocess.run(command, capture_output=True, text=True, env=environment)
        report = json.loads(said.stdout)
        server.shutdown()
    for category in report["categories"].values():
        print(f"{name}: {category['title']} {100 * category['score']:.0f}")
    for audit in report["audits"].values():
        if audit["score"] is not None and audit["score"] < 0.9:
            print(f"  {audit['title']}: {audit.get('displayValue', '')}")


if __name__ == "__main__":
    verbs = {"build": build, "weight": weight, "demo": demo, "lighthouse": lighthouse}
    verbs[sys.argv[1]](*sys.argv[2:])
