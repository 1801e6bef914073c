"""Sphinx extension: live demos. A paragraph that is only a link to one becomes the demo itself.

Source: `web/demos/`. NAME.json lists the prepared situations of demo NAME, NAME.mjs is its first
module, `book/NAME.md` its page. Modules do not load from a folder on a disk, so each demo's are
written one after the other into one plain script, `_static/demos/NAME.js`.
"""

import gzip
import hashlib
import json
import re
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

IMPORT = re.compile(
    r'^import\s(?P<what>[^;]*?)\sfrom\s"\./(?P<file>[\w.-]+)"[^;]*;\n', re.MULTILINE
)
COMMENT = re.compile(r"^[ \t]*/\*\*(?:(?!\*/).)*\*/\n", re.M | re.DOTALL)
NAMED = re.compile(r"^(?:async )?(?:const|let|class|function) (\w+)", re.M)
EXPORT = re.compile(r"^export ", re.M)
EXPORTED = re.compile(r"^export (?:const|class|function|async function) (\w+)", re.M)
LOADER = "course-demo"


def demo_names(folder):
    """Return the names of the demos in `folder`: those with a module and a list of situations."""
    return sorted(path.stem for path in folder.glob("*.json") if path.with_suffix(".mjs").is_file())


def bundle(folder, entry):
    """Return module `entry` of `folder` and all that it imports as one plain script.

    What the entry exports stands in `courseDemos[entry]`. Raises ExtensionError when two modules
    give one name to two things, which one script cannot hold.
    """
    parts, seen, owners = [], set(), {}

    def own(name, file):
        if owners.setdefault(name, file) != file:
            raise ExtensionError(
                f"web/demos/{file}: the name {name} is also in {owners[name]}; all modules become "
                "one script, so give one of them another name"
            )

    def add(file, name=None):
        path = folder / file
        if path.suffix == ".json":
            own(name, file)
        if file in seen:
            return
        seen.add(file)
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            data = json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
            parts.append(f"const {name} = {data};\n")
            return
        for found in IMPORT.finditer(text):
            if "*" in found["what"]:
                raise ExtensionError(f"web/demos/{file}: import names, not *: {found[0].strip()}")
            add(found["file"], found["what"])
        text = EXPORT.sub("", COMMENT.sub("", IMPORT.sub("", text)))
        for found in NAMED.findall(text):
            own(found, file)
        parts.append(text)

    add(f"{entry}.mjs")
    names = ", ".join(EXPORTED.findall((folder / f"{entry}.mjs").read_text(encoding="utf-8")))
    last = f"(window.courseDemos ??= {{}})[{json.dumps(entry)}] = {{ {names} }};\n" if names else ""
    return f'(() => {{\n"use strict";\n{"".join(parts)}{last}}})();\n'


def write_scripts(app):
    """Write the scripts, and note each demo's file and weight for the pages that show it."""
    folder = Path(app.confdir) / "web" / "demos"
    target = Path(app.outdir) / "_static" / "demos"
    target.mkdir(parents=True, exist_ok=True)
    words = json.loads((folder / "strings.json").read_text(encoding="utf-8"))["element"]
    app.live_demos = {"words": words, "situations": {}, "scripts": {}}
    for name in [LOADER, *demo_names(folder)]:
        script = bundle(folder, name).encode()
        (target / f"{name}.js").write_bytes(script)
        version = hashlib.sha256(script).hexdigest()[:8]
        weight = round(len(gzip.compress(script)) / 1000)
        app.live_demos["scripts"][name] = (f"_static/demos/{name}.js?v={version}", weight)
        if name != LOADER:
            listed = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
            app.live_demos["situations"][name] = listed


class LiveDemo(SphinxTransform):
    """Put the element round each paragraph that is only a link to a demo, and a picture into it."""

    default_priority = 750

    def apply(self):
        """Change the page's paragraphs."""
        for paragraph in list(self.document.findall(nodes.paragraph)):
            asked = self.asked_for(paragraph)
            if asked:
                around = paragraph.parent
                at = around.index(paragraph)
                around[at : at + 1] = self.element(paragraph, *asked)

    def asked_for(self, paragraph):
        """Return (name, state) of the demo that a paragraph only links to, or None."""
        inside = [n for n in paragraph.children if not isinstance(n, nodes.Text) or n.strip()]
        if len(inside) != 1 or not isinstance(inside[0], nodes.reference):
            return None
        site = self.app.config.html_baseurl.rstrip("/")
        pattern = rf"{re.escape(site)}/book/([\w-]+)\.html#(.+)"
        found = re.fullmatch(pattern, inside[0].get("refuri", ""))
        known = self.app.live_demos["situations"]
        return found.groups() if found and found[1] in known else None

    def element(self, paragraph, name, state):
        """Return what stands in the paragraph's place."""
        words = self.app.live_demos["words"]
        file, weight = self.app.live_demos["scripts"][name]
        up = "../" * self.env.docname.count("/")
        attributes = {
            "name": name,
            "state": state,
            "src": up + file,
            "home": f"{up}book/{name}.html",
            "open": words["open"].replace("{kb}", str(weight)),
            "loading": words["loading"],
            "failed": words["failed"],
        }
        text = " ".join(f'{key}="{escape(value)}"' for key, value in attributes.items())
        page = " page" if self.env.docname == f"book/{name}" else ""
        picture = nodes.image(uri=f"/book/images/{name}.png", alt=words["picture"])
        noscript = f"<noscript><p>{escape(words['noscript'])}</p></noscript></course-demo>"
        first = nodes.raw("", f"<course-demo {text}{page}>", format="html")
        last = nodes.raw("", noscript, format="html")
        for node in (first, picture, last):
            node.source, node.line = paragraph.source, paragraph.line
        return [first, picture, paragraph, last]


class Situations(SphinxDirective):
    """List the prepared situations of a demo, each under its name as an anchor."""

    required_arguments = 1

    def run(self):
        """Return the list."""
        known = self.env.app.live_demos["situations"]
        name = self.arguments[0]
        if name not in known:
            raise self.error(f"no demo is called {name!r}; there are: {', '.join(known)}")
        entries = nodes.bullet_list(classes=["situations"])
        for situation in known[name]:
            here = f"#{situation['name']}"
            link = nodes.reference("", situation["title"], refuri=here, internal=True)
            lesson = situation["lesson"]
            site = self.config.html_baseurl.rstrip("/")
            where = f"{site}/notebooks/lessons/{lesson}.html"
            number = lesson.split("_")[0]
            more = nodes.reference("", f"Lesson {number}", refuri=where)
            says = nodes.Text(f". {situation['says']} ")
            text = nodes.paragraph("", "", nodes.strong("", "", link), says, more, nodes.Text("."))
            item = nodes.list_item("", text, ids=[situation["name"]], classes=["situation"])
            entries += item
        return [entries]


def setup(app):
    """Write scripts before pages are read, since a page says how heavy they are."""
    app.connect("builder-inited", write_scripts)
    app.add_transform(LiveDemo)
    app.add_directive("situations", Situations)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
