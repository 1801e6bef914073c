"""Sphinx extension: a page shows before its scripts run, and no picture moves the text."""

import re
import struct
from pathlib import Path

from sphinx.builders.html._assets import _JavaScript

PICTURE = re.compile(r'<img ([^>]*?)src="([^"]*_images/([^"/]+\.png))"([^>]*?)\s*/?>')
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def defer(app, pagename, templatename, context, doctree):
    """Let scripts wait until the page is there; the search page needs them in its own order."""
    if pagename == "search":
        return
    page, kept = context.get("body", ""), []
    for script in context.get("script_files", []):
        attributes = dict(getattr(script, "attributes", {}))  # the original serves all pages
        body = attributes.get("body") or ""
        if "toggle" in body:  # hints of a script that is only on pages with hidden cells
            if 'class="toggle' not in page and "tag_hide" not in page:
                continue
        elif body.startswith("DOCUMENTATION_OPTIONS"):
            later = f"addEventListener('DOMContentLoaded', () => {{ {body} }});"
            attributes["body"] = later
        elif getattr(script, "filename", ""):
            attributes["defer"] = "defer"
        if isinstance(script, _JavaScript):
            script = _JavaScript(script.filename, priority=script.priority, **attributes)
        kept.append(script)
    context["script_files"] = kept


def size_of(path):
    """Return (width, height) of a PNG file, or None."""
    with Path(path).open("rb") as file:
        head = file.read(24)
    return struct.unpack(">II", head[16:24]) if head.startswith(SIGNATURE) else None


def give_room(app, pagename, templatename, context, doctree):
    """Write each picture's size into the page; those after the first load when they come near."""
    files = {name: source for source, name in getattr(app.builder, "images", {}).items()}
    seen = 0

    def sized(match):
        nonlocal seen
        seen += 1
        size = size_of(Path(app.srcdir) / files[match[3]]) if match[3] in files else None
        if size is None or "width=" in match[0]:
            return match[0]
        lazy = ' loading="lazy"' if seen > 1 else ""
        room = f'width="{size[0]}" height="{size[1]}"{lazy} decoding="async"'
        return f'<img {match[1]}src="{match[2]}"{match[4]} {room}/>'

    if "body" in context:
        context["body"] = PICTURE.sub(sized, context["body"])


def setup(app):
    """Connect both, behind everyone who adds a script."""
    app.connect("html-page-context", defer, priority=970)
    app.connect("html-page-context", give_room, priority=970)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
