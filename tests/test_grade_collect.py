"""Collecting from zips and folders: who sent what, what is refused, nothing lost."""

import csv
import io
import shutil
import stat
import zipfile
from pathlib import PurePosixPath

import pytest

from conftest import ROOT
from coursekit.classes import new_class
from coursekit.course import Course
from coursekit.demo import add_demo
from coursekit.errors import CourseError
from coursekit.grading import inbox
from coursekit.grading.collect import collect
from coursekit.grading.roster import class_db, open_gradebook
from coursekit.grading.senders import fold, read_path
from tiny_assignment import TEXT

STUDENTS = {
    "s01": ("Alma", "Birch"),
    "s02": ("Bruno", "Cédar"),
    "s03": ("Carla Maria", "Dune-Elm"),
    "s04": ("Alma", "Birchwood"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A class folder with an assignment `hw1` and four students in the gradebook."""
    folder = tmp_path_factory.mktemp("made") / "class"
    (folder / "source" / "hw1").mkdir(parents=True)
    (folder / "source" / "hw1" / "hw1.ipynb").write_text("{}")
    (folder / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'class'\n"
    )
    with open_gradebook(class_db(folder)) as book:
        for id, (first, last) in STUDENTS.items():
            book.add_student(id, first_name=first, last_name=last, email=f"{id}@example.org")
    return folder


@pytest.fixture
def group(made, tmp_path):
    """A copy of that class for one test."""
    return shutil.copytree(made, tmp_path / "class")


def pack(path, files):
    """Write a zip of {name: text}."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def work(folder, student):
    return (folder / "submitted" / student / "hw1" / "hw1.ipynb").read_text()


@pytest.mark.parametrize(
    ("path", "student"),
    [
        ("Alma Birch_4711_assignsubmission_file_/hw1.ipynb", "s01"),
        ("Alma Birch_4711_assignsubmission_file/hw1 (2).ipynb", "s01"),
        ("Alma Birch_4711_assignsubmission_file_hw1.ipynb", "s01"),
        ("hw1-download/Bruno Cédar_12_assignsubmission_file_/Copy of hw1.ipynb", "s02"),
        ("Group B-Bruno Cedar_12_assignsubmission_file_/x.ipynb", "s02"),
        ("Carla Maria Dune-Elm_9_assignsubmission_file_/hw1.ipynb", "s03"),
        ("birchalma_123_4567_hw1.ipynb", "s01"),
        ("birchalma_LATE_123_4567_hw1-2.ipynb", "s01"),
        ("birchwoodalma_125_4568_my_own_name.ipynb", "s04"),
        ("s02/hw1.ipynb", "s02"),
        ("s02_hw1.ipynb", "s02"),
        ("Copy of hw1 - Alma Birch (1).ipynb", "s01"),
        ("s03@example.org hw1.ipynb", "s03"),
        ("late/hw1_s04_late.ipynb", "s04"),
    ],
)
def test_a_file_finds_its_student(group, tmp_path, path, student):
    harvest = collect(group, pack(tmp_path / "a.zip", {path: "work"}), "hw1")
    assert [row.student_id for row in harvest.taken] == [student], str(harvest)
    assert work(group, student) == "work"
    assert harvest.taken[0].late == ("late" if "late" in path.lower() else "")


@pytest.mark.parametrize(
    "path", ["hw1.ipynb", "Copy of hw1 (3).ipynb", "Nobody Here_1_assignsubmission_file_/hw1.ipynb"]
)
def test_a_file_of_nobody_known_is_listed_with_a_table_to_fill_in(group, tmp_path, path):
    harvest = collect(group, pack(tmp_path / "a.zip", {path: "work"}), "hw1")
    assert not harvest.taken
    assert [row.path for row in harvest.unknown] == [path]
    table = group / "downloaded" / "hw1" / "names.csv"
    with table.open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == [{"file": path, "student_id": ""}]
    table.write_text(f'file,student_id\n"{path}",s02\n')
    assert len(collect(group, tmp_path / "a.zip", "hw1", names=table).taken) == 1
    assert work(group, "s02") == "work"
    assert not table.exists()


def test_a_name_of_two_students_is_no_guess(group, tmp_path):
    harvest = collect(group, pack(tmp_path / "a.zip", {"s01 and s02 hw1.ipynb": "x"}), "hw1")
    assert not harvest.taken
    assert "s01 or s02" in harvest.unknown[0].reason


def evil(tmp_path):
    """A zip with one honest notebook among entries that would reach outside."""
    path = pack(
        tmp_path / "evil.zip",
        {
            "../../s01/hw1.ipynb": "out",
            "/etc/s01/hw1.ipynb": "out",
            "C:\\s01\\hw1.ipynb": "out",
            "..\\s01\\hw1.ipynb": "out",
            "s01/hw1.ipynb": "honest",
            "s01/notes.pdf": "x",
            "s01/more.zip": "x",
            "__MACOSX/s01/._hw1.ipynb": "rubbish",
        },
    )
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("s02/hw1.ipynb")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return path


def test_entries_that_reach_outside_are_refused_one_by_one(group, tmp_path):
    before = {p for p in tmp_path.rglob("*") if "class" not in p.parts}
    path = evil(tmp_path)
    harvest = collect(group, path, "hw1")
    assert work(group, "s01") == "honest"
    assert len(harvest.taken) == 1
    reasons = {row.path: row.reason for row in harvest.refused}
    assert len(reasons) == 7, reasons
    assert reasons["../../s01/hw1.ipynb"] == "a path that leads out of the folder"
    assert reasons["/etc/s01/hw1.ipynb"] == reasons["C:\\s01\\hw1.ipynb"] == "an absolute path"
    assert reasons["s02/hw1.ipynb"] == "a link, not a file"
    assert reasons["s01/more.zip"] == "no notebook, but .zip"
    after = {p for p in tmp_path.rglob("*") if "class" not in p.parts}
    assert after - before == {path}


def test_links_in_a_folder_are_refused_too(group, tmp_path):
    place, secret = tmp_path / "in", tmp_path / "secret"
    secret.mkdir()
    (secret / "hw1.ipynb").write_text("secret")
    (place / "s01").mkdir(parents=True)
    (place / "s01" / "hw1.ipynb").write_text("honest")
    (place / "s02").symlink_to(secret)
    (place / "s03.ipynb").symlink_to(secret / "hw1.ipynb")
    harvest = collect(group, place, "hw1")
    assert [row.student_id for row in harvest.taken] == ["s01"]
    assert {row.path for row in harvest.refused} == {"s02", "s03.ipynb"}


def test_a_bomb_is_refused_and_the_rest_is_taken(group, tmp_path, monkeypatch):
    monkeypatch.setattr(inbox, "MOST_BYTES", 1000)
    monkeypatch.setattr(inbox, "MOST_BYTES_TOGETHER", 1500)
    monkeypatch.setattr(inbox, "MOST_FILES", 3)
    files = {"s01.ipynb": "0" * 1001, "s02.ipynb": "0" * 900, "s03.ipynb": "0" * 700}
    files |= {f"{n}.ipynb": "" for n in range(4)}
    harvest = collect(group, pack(tmp_path / "a.zip", files), "hw1")
    assert [row.student_id for row in harvest.taken] == ["s02"]
    reasons = [row.reason for row in harvest.refused]
    assert any("larger than" in r for r in reasons)
    assert any("more than 3 files" in r for r in reasons)


def test_a_zip_that_lies_about_a_size_is_found_when_it_is_read(group, tmp_path, monkeypatch):
    path = pack(tmp_path / "a.zip", {"s01.ipynb": "0" * 2000, "s02.ipynb": "fine"})
    data = path.read_bytes()
    path.write_bytes(data.replace((2000).to_bytes(4, "little"), (20).to_bytes(4, "little")))
    harvest = collect(group, path, "hw1")
    assert [row.student_id for row in harvest.taken] == ["s02"]
    assert "damaged in the zip" in harvest.refused[0].reason


def test_the_last_attempt_counts_and_the_earlier_ones_are_listed(group, tmp_path):
    files = {
        "birchalma_1_10_hw1-1.ipynb": "second",
        "birchalma_1_10_hw1.ipynb": "first",
        "birchalma_1_10_hw1-2.ipynb": "third",
    }
    harvest = collect(group, pack(tmp_path / "a.zip", files), "hw1")
    assert work(group, "s01") == "third"
    assert sorted(row.path for row in harvest.older) == sorted(files)[1:] or len(harvest.older) == 2


def test_collecting_again_loses_nothing(group, tmp_path):
    first = pack(tmp_path / "1.zip", {"s01.ipynb": "old", "s02.ipynb": "other"})
    collect(group, first, "hw1")
    again = collect(group, first, "hw1")
    assert not again.taken
    assert len(again.same) == 2
    later = collect(group, pack(tmp_path / "2.zip", {"s01.ipynb": "new"}), "hw1")
    assert work(group, "s01") == "new"
    assert len(later.replaced) == 1
    kept = list((group / "downloaded" / "hw1" / "replaced" / "s01").iterdir())
    assert [path.read_text() for path in kept] == ["old"]
    with (group / "downloaded" / "hw1" / "collected.csv").open(newline="") as file:
        rows = {row["student_id"]: row["file"] for row in csv.DictReader(file)}
    assert rows == {"s01": "s01.ipynb", "s02": "s02.ipynb"}


def test_an_empty_gradebook_takes_the_platforms_names(group, tmp_path):
    with open_gradebook(class_db(group)) as book:
        for student in list(book.students):
            book.remove_student(student.id)
    path = "Alma Birch_4711_assignsubmission_file_/hw1.ipynb"
    collect(group, pack(tmp_path / "a.zip", {path: "x"}), "hw1")
    with open_gradebook(class_db(group)) as book:
        assert [(s.id, s.first_name, s.last_name) for s in book.students] == [
            ("alma-birch", "Alma", "Birch")
        ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"assignment": "hw2"}, "expected an assignment of the class, came hw2: it has hw1"),
        ({"inbox": "nothing.zip"}, "expected a zip file or a folder"),
        ({"names": "file,who\na,b\n"}, "expected the columns file,student_id, came file,who"),
        ({"names": "file,student_id\na,s99\n"}, "no student s99 in the gradebook"),
    ],
)
def test_what_cannot_be_collected_is_said_before_anything_is_written(group, tmp_path, change, said):
    call = {"inbox": pack(tmp_path / "a.zip", {"s01.ipynb": "x"}), "assignment": "hw1"} | change
    if "names" in change:
        call["names"] = tmp_path / "names.csv"
        call["names"].write_text(change["names"])
    with pytest.raises(CourseError, match=said):
        collect(group, **call)
    assert not (group / "submitted").exists()


def test_names_are_compared_without_accents_case_and_signs():
    assert fold("Cédar-Öz, BRUNO") == "cedar oz bruno"


def test_a_path_says_its_platform_and_number():
    sent = read_path(PurePosixPath("birchalma_LATE_123_4567_hw1-2.ipynb"), "hw1")
    assert (sent.platform, sent.platform_id, sent.late, sent.attempt) == ("Canvas", "123", True, 2)
    sent = read_path(PurePosixPath("Participant_77_assignsubmission_file_/a.ipynb"), "hw1")
    assert (sent.platform, sent.platform_id, sent.file) == ("Moodle", "77", "a.ipynb")


def test_the_made_up_class_can_be_collected_from_a_zip(tmp_path, monkeypatch):
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "tiny.py").write_text(TEXT, "utf-8")
    monkeypatch.setattr("coursekit.lessons.SETUP", "")  # spares imports of torch
    new_class(Course(ROOT), tmp_path / "class", ["tiny"], tmp_path / "bank")
    add_demo(Course(ROOT), tmp_path / "class", tmp_path / "bank", tmp_path / "zips")
    assert not (tmp_path / "class" / "submitted").exists()
    harvest = collect(tmp_path / "class", tmp_path / "zips" / "tiny.zip", "tiny")
    assert [row.student_id for row in harvest.taken] == [f"s{n:02}" for n in range(1, 10)]
    assert not (harvest.unknown)
    assert not (harvest.refused)


def test_an_encrypted_entry_is_refused(group, tmp_path):
    data = io.BytesIO(pack(tmp_path / "a.zip", {"s01.ipynb": "x"}).read_bytes()).getvalue()
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.index(mark) + at
        data = data[:place] + bytes([data[place] | 1]) + data[place + 1 :]
    (tmp_path / "a.zip").write_bytes(data)
    harvest = collect(group, tmp_path / "a.zip", "hw1")
    assert [row.reason for row in harvest.refused] == ["encrypted"]
