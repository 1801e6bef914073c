"""Follow the links that lead out of the built site: which are dead?

    python -m coursekit.outside [FOLDER]        default: _build/html

Dead is an address that says so (404, 410), a host that does not exist or does not answer. A host
that refuses machines (401, 403, 429 and their like) tells nothing: those are listed, not counted.
"""

import http.client
import re
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from itertools import groupby
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

from coursekit.course import Course
from coursekit.errors import CourseError
from coursekit.site import require_site

HREF = re.compile(r'<a\b[^>]*?\shref="(https?://[^"]+)"')
GONE = {404, 410}
TRIES, SECONDS, PAUSE, HOSTS = 3, 30, 1.0, 8
HEADERS = {"User-Agent": "Mozilla/5.0 (compatible; link check of a course)", "Accept": "*/*"}


def find_links(html, own=()):
    """Return {address: pages that link to it} for links out of folder `html`.

    An address that begins with one of `own` is left out.
    """
    found = {}
    for page in sorted(Path(html).rglob("*.html")):
        for link in HREF.findall(page.read_text(encoding="utf-8")):
            address = urldefrag(unescape(link)).url
            if not any(address == one or address.startswith(f"{one}/") for one in own):
                found.setdefault(address, set()).add(page.relative_to(html).as_posix())
    return {address: sorted(pages) for address, pages in sorted(found.items())}


def follow(address, tries=TRIES, pause=PAUSE):
    """Return what is wrong with `address`: ("", "") for nothing, else ("dead" or "unsure", why)."""
    why = ""
    for again in range(tries):
        if again:
            time.sleep(pause * 4**again)
        try:
            request = urllib.request.Request(address, headers=HEADERS)
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                answer.read(1)
            return "", ""
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in GONE:
                return "dead", f"HTTP {error.code}"
            if error.code < 500:
                return "unsure", f"HTTP {error.code}"
            why = f"HTTP {error.code}"
        except (OSError, http.client.HTTPException, ValueError) as error:
            why = f"{type(error).__name__}: {getattr(error, 'reason', error)}"
    return "dead", f"{why}, {tries} times"


def check_links(links, pause=PAUSE):
    """Return [(address, state, why)] for those of `links` with which something is wrong.

    One host is asked by one thread, with a pause between two requests.
    """

    def ask(addresses):
        answers = []
        for address in addresses:
            answers.append((address, *follow(address, pause=pause)))
            time.sleep(pause)
        return answers

    host = lambda address: urlsplit(address).netloc
    hosts = [list(group) for _, group in groupby(sorted(links, key=host), host)]
    with ThreadPoolExecutor(HOSTS) as threads:
        return [a for answers in threads.map(ask, hosts) for a in answers if a[1]]


def main(arguments=None):
    """Run the command line; return its exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    html = Path(given[0] if given else "_build/html")
    try:
        require_site(html)
        course = Course.find()
        launch = "https://colab.research.google.com/github"  # notebooks that a test holds in place
        links = find_links(html, (course.site_url, course.repository_url, launch))
        wrong = check_links(links)
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for address, state, why in wrong:
        print(f"{state}: {address} ({why}) on {', '.join(links[address])}")
    dead = sum(state == "dead" for _, state, _ in wrong)
    print(f"{len(links)} links lead out of the site, {dead} of them are dead")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
