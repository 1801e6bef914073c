"""Where the course lies and under which addresses it is published.

Source of both: `_config.yml`, the only place where the repository's address stands. The environment
variables COURSE_REPOSITORY (https://github.com/OWNER/NAME) and COURSE_BRANCH go before it, so that
a fork's publishing workflow needs no edit.
"""

import os
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from coursekit.errors import CourseError

ADDRESS = re.compile(r"https://[\w.-]+/[\w.-]+/[\w.-]+/?")


@dataclass(frozen=True)
class Course:
    """A checkout of the course, by its root folder."""

    root: Path

    @classmethod
    def find(cls, start=None):
        """Return the course that holds folder `start` (default: the current one)."""
        start = Path(start or Path.cwd()).resolve()
        for folder in (start, *start.parents):
            if (folder / "_config.yml").is_file() and (folder / "book").is_dir():
                return cls(folder)
        raise CourseError(
            f"expected a checkout of the course at or above {start} (a folder with _config.yml "
            "and book/), found none: change into the checkout and run the command again"
        )

    @cached_property
    def config(self):
        """The content of `_config.yml`."""
        return yaml.safe_load((self.root / "_config.yml").read_text(encoding="utf-8"))

    @property
    def repository_url(self):
        """The repository's web address, without a slash at its end."""
        repository = self.config.get("repository") or {}
        url = os.environ.get("COURSE_REPOSITORY") or repository.get("url")
        if not ADDRESS.fullmatch(str(url)):
            place = f"{self.root / '_config.yml'} (or COURSE_REPOSITORY)"
            raise CourseError(
                f"{place}: expected repository: url: https://github.com/OWNER/NAME, came {url!r}: "
                "write the address of the repository's page"
            )
        return url.rstrip("/")

    @property
    def branch(self):
        """The branch whose notebooks the launch buttons open."""
        repository = self.config.get("repository") or {}
        return os.environ.get("COURSE_BRANCH") or repository.get("branch", "main")

    @property
    def slug(self):
        """The repository as OWNER/NAME."""
        return urlsplit(self.repository_url).path.strip("/")

    @property
    def site_url(self):
        """The published book's address, without a slash at its end (GitHub Pages' rule)."""
        owner, name = self.slug.split("/")
        site = f"{owner.lower()}.github.io"
        return f"https://{site}" if name.lower() == site else f"https://{site}/{name}"

    @cached_property
    def version(self):
        """The version of the package that the lessons import."""
        with (self.root / "pyproject.toml").open("rb") as file:
            return tomllib.load(file)["project"]["version"]

    @property
    def wheel_url(self):
        """Where a published book keeps the wheel of its own helpers."""
        return f"{self.site_url}/deepcourse-{self.version}-py3-none-any.whl"
