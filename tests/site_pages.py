"""What can be said of the built pages from their files alone: links, pictures, words, weight."""

import gzip
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FILE_NAME = re.compile(r"_images/|\.(?:png|svg|jpe?g|gif|webp)$", re.IGNORECASE)
PACKED = {".woff2", ".png", ".jpg", ".gz"}  # compressed already


class Page(HTMLParser):
    """The links, anchors, pictures and text of one page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors, self.pictures, self.text, self.skip = [], set(), [], [], 0
        self.feed(Path(path).read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        """Note what matters of a tag."""
        got = dict(attributes)
        if got.get("id"):
            self.anchors.add(got["id"])
        for name in ("href", "src", "action"):
            if got.get(name):
                self.links.append((self.getpos()[0], tag, got[name]))
        if tag == "img":
            self.pictures.append((self.getpos()[0], got.get("alt"), got.get("src")))
        self.skip += tag in {"script", "style", "nav"}

    def handle_endtag(self, tag):
        """Leave what is not text of the page."""
        self.skip -= tag in {"script", "style", "nav"}

    def handle_data(self, data):
        """Note the words of the page."""
        if not self.skip:
            self.text.append(data)


def names(html):
    """Return the addresses of all pages, relative to the folder."""
    found = (p.relative_to(html) for p in Path(html).rglob("*.html"))
    return sorted(str(p) for p in found if p.parts[0] not in {"_static", "_sources"})


def lessons(html):
    """Return the addresses of the lessons."""
    return [name for name in names(html) if name.startswith("notebooks/lessons/")]


def dead_links(html, site):
    """Return a line for each link into the site whose file or anchor does not exist."""
    html = Path(html).resolve()
    pages = {name: Page(html / name) for name in names(html)}
    dead = []
    for name, page in pages.items():
        for line, tag, link in page.links:
            if link.startswith(f"{site}/") or link == site:
                if tag != "link" and name not in {"404.html"}:
                    dead.append(f"{name}:{line}: {link} leads out of this copy of the site")
                target, anchor = (html / (link.removeprefix(site).lstrip("/"))), ""
                target = target if target.suffix else target / "index.html"
            else:
                parts = urlsplit(link)
                if parts.scheme or parts.netloc:
                    continue
                anchor = unquote(parts.fragment)
                target = (html / name).parent / unquote(parts.path) if parts.path else html / name
            target = target.resolve()
            if not target.is_file():
                dead.append(f"{name}:{line}: {link}: there is no such file")
                continue
            found = pages.get(str(target.relative_to(html)))
            if anchor and found and anchor not in found.anchors:
                dead.append(f"{name}:{line}: {link}: there is no such anchor")
    return dead


def bad_pictures(html):
    """Return a line for each picture without alternative text, or with a file's name for one."""
    return [
        f"{name}:{line}: {source}: alt is {alt!r}"
        for name in names(html)
        for line, alt, source in Page(Path(html) / name).pictures
        if alt is None or FILE_NAME.search(alt) or (not alt.strip() and "/_images/" in source)
    ]


def missing_sources(html, root, repository):
    """Return a line for each launch, download or edit link that names no file of the repository."""
    patterns = (rf"/github/{'/'.join(repository.split('/')[3:])}/blob/[^/]+/(.+)",)
    patterns += (rf"{re.escape(repository)}/(?:edit|blob|tree)/[^/]+/(.+)",)
    missing = []
    for name in names(html):
        for line, _, link in Page(Path(html) / name).links:
            for pattern in patterns:
                found = re.search(pattern, link)
                if found and not (Path(root) / found[1]).exists():
                    missing.append(f"{name}:{line}: {link}: the repository has no {found[1]}")
    return missing


def rare_words(html):
    """Return for each lesson a long word that no other page has."""
    texts = {name: " ".join(Page(Path(html) / name).text) for name in names(html)}
    words = {n: set(re.findall(r"\b[a-z]{7,}\b", t.lower())) for n, t in texts.items()}
    rare = {}
    for name in lessons(html):
        others = set().union(*(words[other] for other in words if other != name))
        rare[name] = max(sorted(words[name] - others), key=len)
    return rare


def packed_size(path):
    """Return how many bytes travel for a file: as it is when packed already, else compressed."""
    data = Path(path).read_bytes()
    return len(data) if Path(path).suffix in PACKED else len(gzip.compress(data, 6))


def searchable(html):
    """Return the documents that the search index names."""
    text = (Path(html) / "searchindex.js").read_text(encoding="utf-8")
    return json.loads(text[text.index("{") : text.rindex("}") + 1])["docnames"]
