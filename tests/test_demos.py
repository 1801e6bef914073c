"""The live demos as files: types, scripts, words, situations and the links to them."""

import gzip
import json
import re
import shutil
import subprocess
import sys

import pytest

from coursekit.course import Course
from coursekit.errors import CourseError
from coursekit.lessons import LINK, resolve, stamp
from coursekit.site import find_node, install_web
from demo_node import FOLDER, run_module
from site_course import ROOT

sys.path.insert(0, str(ROOT / "web" / "ext"))
import demos
from sphinx.errors import ExtensionError

MODULES = sorted(FOLDER.glob("*.mjs"))
SITUATIONS = json.loads((FOLDER / "playground.json").read_text(encoding="utf-8"))
WEIGHT, LOADER_WEIGHT = 40_000, 1_500  # of all a demo needs, and of what each page carries


# --- modules, types, scripts, words


def check_types(folder):
    compiler = ROOT / "web" / "node_modules" / "typescript" / "bin" / "tsc"
    run = subprocess.run(
        [str(find_node()), str(compiler), "-p", str(folder)], capture_output=True, text=True
    )
    return run.returncode, run.stdout


def test_the_types_in_the_comments_hold():
    install_web(ROOT, dev=True)
    assert check_types(FOLDER) == (0, "")


def test_the_check_of_types_sees_a_wrong_one(tmp_path):
    install_web(ROOT, dev=True)
    copy = shutil.copytree(FOLDER, tmp_path / "demos")
    with (copy / "random.mjs").open("a", encoding="utf-8") as file:
        file.write('makeRandom("one");\n')
    status, said = check_types(copy)
    assert status != 0
    assert "random.mjs" in said


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_is_read_in_one_sitting(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 300
    assert lines[0].startswith("/**")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_what_readers_see_stands_in_the_files_of_strings(path):
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    code = re.sub(r"^import [^;]*;|export const STYLE = `.*?`;", "", code, flags=re.M | re.DOTALL)
    literals = re.findall(r'"([^"\n]*)"', code)
    fonts = re.compile(r"(px|italic) |system-ui|, serif")
    words = [s for s in literals if re.search(r"[A-Za-z]{2,} [A-Za-z]{2,}", s)]
    words = [s for s in words if s[0] != "." and not fonts.search(s)]
    assert words == [], "write it into strings.json"


def test_a_demo_becomes_one_light_script():
    scripts = {name: demos.bundle(FOLDER, name) for name in ("course-demo", "playground")}
    for script in scripts.values():
        assert not re.search(r"^\s*(import|export)\b", script, re.MULTILINE)
    weights = {name: len(gzip.compress(text.encode())) for name, text in scripts.items()}
    assert weights["course-demo"] <= LOADER_WEIGHT, weights
    assert sum(weights.values()) <= WEIGHT, weights
    assert demos.demo_names(FOLDER) == ["playground"]


def test_two_modules_that_give_one_name_to_two_things_are_refused(tmp_path):
    (tmp_path / "a.mjs").write_text('import { b } from "./b.mjs";\nconst one = b;\n')
    (tmp_path / "b.mjs").write_text("export const b = 1;\nfunction one() {}\n")
    with pytest.raises(ExtensionError, match=r"a\.mjs: the name one is also in b\.mjs"):
        demos.bundle(tmp_path, "a")
    (tmp_path / "a.mjs").write_text('import * as all from "./b.mjs";\n')
    with pytest.raises(ExtensionError, match=r"a\.mjs: import names, not \*"):
        demos.bundle(tmp_path, "a")


def test_the_still_picture_is_light():
    assert (ROOT / "book" / "images" / "playground.png").stat().st_size <= 60_000


# --- situations and links


def test_each_situation_is_linked_from_the_lesson_that_it_belongs_to():
    for situation in SITUATIONS:
        lesson = ROOT / "book" / "lessons" / f"{situation['lesson']}.py"
        links = [
            target for kind, target in LINK.findall(lesson.read_text("utf-8")) if kind == "demo"
        ]
        assert f"playground#{situation['name']}" in links, situation["name"]
    names = [situation["name"] for situation in SITUATIONS]
    assert len(set(names)) == len(names) >= 6
    assert {s["lesson"].split("_")[0] for s in SITUATIONS} == {
        "01",
        "01b",
        "02",
        "02b",
        "03",
        "03b",
    }


def test_every_situation_can_be_read_and_promises_something():
    texts = json.dumps([s["state"] for s in SITUATIONS])
    problems = run_module(
        "import { parseState } from 'HERE/state.mjs';"
        f"console.log(JSON.stringify({texts}.flatMap((t) => parseState(t).problems)))"
    )
    assert problems == []
    for situation in SITUATIONS:
        assert situation["promise"], situation["name"]
        for one in situation["promise"]:
            assert one["after"] > 0
            assert one.get("apart") or {"at_least", "at_most"} & set(one), situation["name"]


def test_a_link_to_a_demo_becomes_the_address_of_its_page():
    course = Course(ROOT)
    address = f"{course.site_url}/book/playground.html#xor-line"
    assert stamp("see [it](demo:playground#xor-line).", course, "x") == f"see [it]({address})."


@pytest.mark.parametrize("target", ["playground#nowhere", "playground", "juggling#xor-line"])
def test_a_link_to_an_unknown_situation_says_which_there_are(target):
    with pytest.raises(CourseError, match=r"book/x\.py:7: links to demo:.*web/demos/"):
        resolve("demo", target, Course(ROOT), "book/x.py:7")
