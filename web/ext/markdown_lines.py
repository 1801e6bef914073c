"""What the extensions that write a page's tables share: Markdown, as lines, to nodes."""

import re

from docutils import nodes
from docutils.statemachine import StringList


def parse_lines(directive, lines):
    """Return the nodes that `lines` of Markdown stand for, headings included."""
    section = nodes.section(document=directive.state.document)
    text = StringList(lines, source=directive.get_source_info()[0])
    directive.state.nested_parse(text, directive.content_offset, section, match_titles=True)
    return section.children


def escape(text):
    """Escape what would end a table's cell or begin mark-up."""
    return re.sub(r"([|\[\]*_`$<\\])", r"\\\1", text)
