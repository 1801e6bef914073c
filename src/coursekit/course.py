"""Where the course lies and under which addresses it is published.

Source of both: `_config.yml`, the only place where the repository's address stands.
"""

import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from coursekit.errors import CourseError


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
        try:
            return self.config["repository"]["url"].rstrip("/")
        except (KeyError, TypeError, AttributeError):
            raise CourseError(
                f"{self.root / '_config.yml'}: expected repository: url: https://…, found none"
            ) from None

    @property
    def site_url(self):
        """The published book's address, without a slash at its end (GitHub Pages' rule)."""
        owner, name = urlsplit(self.repository_url).path.strip("/").split("/")[:2]
        return f"https://{owner.lower()}.github.io/{name}"

    @cached_property
    def version(self):
        """The version of the package that the lessons import."""
        with (self.root / "pyproject.toml").open("rb") as file:
            return tomllib.load(file)["project"]["version"]

    @property
    def wheel_url(self):
        """Where a published book keeps the wheel of its own helpers."""
        return f"{self.site_url}/deepcourse-{self.version}-py3-none-any.whl"
