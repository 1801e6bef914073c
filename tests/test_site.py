"""Tests of coursekit.site and of web/ext: what a build of the site does and what it refuses."""

import re
import shutil
import sys
from pathlib import Path

import pytest

import site_course
import site_pages
from coursekit import status
from coursekit.course import Course
from site_course import ADDRESS, LESSON, ROOT

sys.path.insert(0, str(ROOT / "web" / "ext"))
from lean_styles import lean
from places import notebook_hint

from coursekit.claim_lines import parse_claim


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A small course, built."""
    folder = site_course.make_course(tmp_path_factory.mktemp("site") / "course")
    code, said = site_course.build(folder)
    assert code == 0, said
    return folder


@pytest.fixture
def spoilt(tmp_path):
    """A small course of one's own, to plant faults in."""
    return site_course.make_course(tmp_path / "course")


def html(course):
    return course / "_build" / "html"


def test_the_repositorys_address_stands_in_the_configuration_alone():
    course = Course(ROOT)
    texts = [*(ROOT / "book").glob("*.md"), *(ROOT / "web").glob("[dest]*/**/*.*")]
    for path in texts:
        if path.suffix in {".md", ".py", ".html", ".css", ".js", ".mjs", ".json"}:
            assert course.repository_url not in path.read_text(encoding="utf-8"), path
            assert course.site_url not in path.read_text(encoding="utf-8"), path


# --- what a build makes


def test_links_into_the_site_become_relative_and_all_links_lead_somewhere(course):
    page = (html(course) / f"{LESSON}.html").read_text(encoding="utf-8")
    assert 'href="../../book/bibliography.html#lin2017"' in page
    assert site_pages.dead_links(html(course), ADDRESS) == []


def test_every_picture_says_what_one_sees(course):
    assert site_pages.bad_pictures(html(course)) == []


def test_launch_download_and_edit_links_name_files_of_the_repository(course):
    repository = Course(ROOT).repository_url
    for part in ("lessons", "assignments"):
        shutil.copytree(ROOT / "book" / part, course / "book" / part, dirs_exist_ok=True)
    lesson = course / "book" / "lessons" / "90_sample.py"
    lesson.write_text("# %% [markdown]\n")
    assert site_pages.missing_sources(html(course), course, repository) == []
    lesson.unlink()
    assert len(site_pages.missing_sources(html(course), course, repository)) == 1
    page = (html(course) / f"{LESSON}.html").read_text(encoding="utf-8")
    assert f"/blob/main/{LESSON}.ipynb" in page
    assert (html(course) / "_sources" / f"{LESSON}.ipynb").is_file()


def test_the_checks_of_links_and_pictures_see_planted_faults(course, tmp_path):
    copy = shutil.copytree(html(course), tmp_path / "html")
    (copy / "book" / "x.html").write_text(
        '<a href="gone.html">a</a><a href="claims.html#gone">b</a>'
        f'<a href="{ADDRESS}/book/claims.html">c</a><img src="y.png" alt="_images/0a.png">'
    )
    assert len(site_pages.dead_links(copy, ADDRESS)) == 4
    assert len(site_pages.bad_pictures(copy)) == 1


def test_pages_carry_nothing_they_do_not_use(course):
    page = (html(course) / f"{LESSON}.html").read_text(encoding="utf-8")
    for name in ("thebe", "mathjax.js", "require.js", "fontawesome.js", "searchindex", "cover.js"):
        assert name not in page.lower(), name
    assert "searchindex.js" in (html(course) / "search.html").read_text(encoding="utf-8")
    assert "cover.js" in (html(course) / "book" / "index.html").read_text(encoding="utf-8")
    assert not list(html(course).rglob("*.map"))
    assert page.count('rel="stylesheet"') == 1
    fonts = list((html(course) / "_static").rglob("fa-*.woff2"))
    assert fonts
    assert sum(font.stat().st_size for font in fonts) < 10_000


def test_a_style_rule_stays_when_all_its_classes_are_in_use():
    css = '@charset "x";.a,\n.b > .c{top:0}.a:not(.z){top:1px}@media print{.z{top:2px}}'
    css += "@page{margin:0}"
    kept = '@charset "x";.a,\n.b > .c{top:0}.a:not(.z){top:1px}@page{margin:0}'
    assert lean(css, {"a", "b", "c"}) == kept
    assert lean(".a,\n.b{top:0}", {"b"}) == ".b{top:0}"


def test_pictures_take_their_room_before_they_are_there(course):
    page = (html(course) / f"{LESSON}.html").read_text(encoding="utf-8")
    assert re.search(r'<img [^>]*_images/[^>]*width="480" height="240"', page)


def test_a_build_with_nothing_to_do_leaves_the_site_as_it_is(course):
    def content():
        files = sorted(path for path in html(course).rglob("*.*") if path.is_file())
        kept = [path for path in files if path.suffix != ".css" or path.name == "site.css"]
        return {path: path.read_bytes() for path in kept}

    before = content()
    code, said = site_course.build(course)
    assert code == 0, said
    assert content() == before


def test_a_class_that_was_cut_comes_back_when_a_page_uses_it(spoilt):
    assert site_course.build(spoilt)[0] == 0
    sheet = html(spoilt) / "_static" / "site.css"
    assert ".sd-badge{" not in sheet.read_text(encoding="utf-8")
    page = spoilt / "book" / "claims.md"
    page.write_text(page.read_text(encoding="utf-8") + "\n{bdg}`new`\n")
    code, said = site_course.build(spoilt)
    assert code == 0, said
    assert ".sd-badge{" in sheet.read_text(encoding="utf-8")


def test_every_page_has_a_description_a_language_and_an_icon(course):
    for name in site_pages.names(html(course)):
        page = (html(course) / name).read_text(encoding="utf-8")
        described = re.search(r'<meta name="description" content="([^"]*)"', page)
        assert described, name
        assert 20 < len(described[1]) < 200, (name, described[1])
        assert '<html lang="en"' in page, name
        assert 'rel="icon"' in page, name


def test_the_page_for_lost_readers_needs_no_file_beside_it(course):
    page = (html(course) / "404.html").read_text(encoding="utf-8")
    assert f'href="{ADDRESS}/"' in page
    assert "src=" not in page
    assert "stylesheet" not in page


def test_the_claims_page_lists_what_the_lessons_print(course):
    page = (html(course) / "book" / "claims.html").read_text(encoding="utf-8")
    row = re.search(rf"<tr[^>]*>\s*<td><p><a[^>]*/{LESSON}.html#cell-.*?</tr>", page, re.DOTALL)
    assert "the test error of the network" in row[0]
    for text in ("at most 3 %", "2.24 %", "majority class: 11 %", "linear: 4 % to 5 % over 5 runs"):
        assert text in row[0]


def test_the_status_page_says_what_the_runs_wrote_and_what_nobody_measured(course):
    page = (html(course) / "book" / "status.html").read_text(encoding="utf-8")
    rows = {
        re.search(r'href="[^"]*/lessons/(\w+).html', row)[1]: re.findall(
            r"<td[^>]*><p>(.*?)</p></td>", row, re.DOTALL
        )
        for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL)[1:]
    }
    assert rows.pop(Path(LESSON).name)[1:5] == [*["not measured"] * 3, "never"]
    for name, row in status.records(Course(ROOT), "cpu").items():
        _, cpu, _, download, date = rows.pop(name)
        assert cpu == f"{row['cpu_seconds']:.0f}"
        assert (download, date) == ("none", row["date"])
        assert f"torch {row['versions']['torch']}" in page
    assert rows == {}


def test_a_paragraph_that_is_only_a_link_to_a_demo_becomes_it(course):
    page = (html(course) / "book" / "playground.html").read_text(encoding="utf-8")
    assert page.count("<course-demo ") == 1
    element = re.search(r"<course-demo .*?</course-demo>", page, re.DOTALL)[0]
    assert 'state="spiral" src="../_static/demos/playground.js?v=' in element
    assert re.search(r'<img alt="[^"]{40,}" src="../_images/playground.png"', element)
    assert 'href="#spiral"' in element
    assert "<noscript>" in element
    lesson = "notebooks/lessons/03_stochastic_gradient_descent.html"
    sentence = (html(course) / lesson).read_text(encoding="utf-8")
    assert 'href="../../book/playground.html#too-fast"' in sentence, "in a sentence it stays a link"
    assert "<course-demo" not in sentence


def test_the_page_of_full_size_results_is_made_from_their_records(course):
    page = (html(course) / "book" / "full_size.html").read_text(encoding="utf-8")
    section = re.search(r'<section id="a-sample-experiment">.*?</section>', page, re.DOTALL)[0]
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", section))
    for part in ("test error of a [line]", "2 % ( Lin (2017) )", "3 % ± 1 %", "3 seeds"):
        assert part in text, text
    for part in ("at most 2.5 %: missed", "Not for use.", "2 of 4 cores (a CPU)", "2026-01-31"):
        assert part in text, text
    assert "python -m deepcourse.reproduce sample" in text
    assert "It draws lr [twice]." in text
    assert 'bibliography.html#lin2017"' in section


def test_a_figure_beside_a_record_is_shown_with_its_words_and_the_note(course):
    page = (html(course) / "book" / "full_size.html").read_text(encoding="utf-8")
    figure = re.search(r"<figure.*?</figure>", page, re.DOTALL)[0]
    assert 'alt="A line that rises & falls [twice]."'.replace("&", "&amp;") in figure
    caption = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", figure))
    assert "What a_b_c costs at 5 %. Not for use." in caption
    file = re.search(r'src="([^"]+\.svg)"', figure)[1]
    assert (html(course) / "book" / file).resolve().is_file()


def test_a_record_that_says_what_its_numbers_do_not_stops_the_build(spoilt):
    record = site_course.sample_record()
    record["aims"][0]["met"] = True
    site_course.write_record(spoilt, record)
    code, said = site_course.build(spoilt)
    assert code == 1
    assert re.search(
        r"sample\.json: .*aim 'error': its met should be \[False\], came \[True\]", said
    )


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("sample.json", "{", "sample.json: Expecting property name"),
        ("sample/curve.svg", "<svg", "sample.json: unclosed token"),
        ("sample/curve.svg", "<svg/>", "curve.svg has no words beside it: run --draw again"),
    ],
)
def test_a_file_of_a_record_that_cannot_be_read_is_named(spoilt, file, text, said):
    folder = spoilt / "src" / "deepcourse" / "reproduce" / "results"
    (folder / file).write_text(text, encoding="utf-8")
    code, output = site_course.build(spoilt)
    assert code == 1
    assert said in output
    assert "Traceback" not in output


def test_a_printed_claim_is_set_apart(course):
    page = (html(course) / f"{LESSON}.html").read_text(encoding="utf-8")
    assert '<span class="claim"><b>✓</b> the test error' in page


@pytest.mark.parametrize(
    ("line", "baselines"),
    [
        ("✓ a is at least 0.9 (measured 0.97; untrained: 0.1)", [("untrained", "0.1")]),
        ("✓ it is at most 1e-06 (measured 3.1e-08; with lr 0.1: 2)", [("with lr 0.1", "2")]),
        (
            "✓ t is at most 5 ms (measured 1 ms; naive: 9 ms to 12 ms over 3 runs)",
            [("naive", "9 ms to 12 ms over 3 runs")],
        ),
        ("✓ n is at most 40,081 (measured 40,081; squares: 500,500)", [("squares", "500,500")]),
        ("✓ all done", None),
        ("✓ a is at most 3 % (measured 2 %)", None),
    ],
)
def test_a_claims_line_is_read_back(line, baselines):
    claim = parse_claim(line)
    assert (claim.baselines if claim else None) == baselines


def test_what_claim_prints_the_page_can_read(capsys):
    from deepcourse.claims import claim

    values = {"untrained": [0.8, 0.9], "linear, by hand": 0.5}
    claim("the error of 5", [0.01, 0.02], at_most=0.03, baseline=values, unit="%")
    read = parse_claim(capsys.readouterr().out)
    assert read.subject == "the error of 5"
    assert [name for name, _ in read.baselines] == list(values)


def test_a_notebooks_line_is_translated_into_cell_and_source():
    hint = notebook_hint("/course/notebooks/lessons/01_a.ipynb:40003")
    assert hint == "cell 4, line 3: edit book/lessons/01_a.py and run `make notebooks`"


# --- what a build refuses: each fault names its file and line and what to do

PAGE_FAULTS = {  # text of book/how_to_use.md, one fault a line -> what the build must say of it
    r"$\frac{1}{$": r"formula: .*Mend the TeX",
    f"[a]({ADDRESS}/book/gone.html)": "there is no such page; mend the address",
    f"[b]({ADDRESS}/book/notation.html#gone)": "has no anchor #gone",
    f"[c]({ADDRESS}/book/bibliography.html#nobody1900)": "no entry nobody1900; add it or mend",
    "![](images/dot.svg)": "picture without alternative text: say what one sees",
    "![images/dot.svg](images/dot.svg)": "picture without alternative text",
    '<script src="https://cdn.example.org/a.js"></script>': "put the file into the repository",
    "![seen](https://example.org/a.png)": "put the file into the repository",
    "[d](gone.md)": "gone.md",
    "[e](demo:playground#nowhere)": "book/playground has no anchor #nowhere",
    "{cite:p}`nobody1901`": "nobody1901",
}


def test_each_fault_is_named_with_its_place_and_what_to_do(spoilt):
    page = spoilt / "book" / "how_to_use.md"
    (spoilt / "book" / "images" / "dot.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    before = page.read_text(encoding="utf-8").count("\n") + 1
    page.write_text(page.read_text(encoding="utf-8") + "\n" + "\n\n".join(PAGE_FAULTS) + "\n")
    cells = [
        site_course.markdown("# A lesson\n\n$\\foo$"),
        site_course.code("plot()", site_course.figure()),
        site_course.code("claim()", site_course.printed("✓ it works\n")),
    ]
    site_course.write_notebook(spoilt / f"{LESSON}.ipynb", cells)
    bib = spoilt / "book" / "references.bib"
    bib.write_text(bib.read_text() + "\n@misc{aardvark,\n  title = {Nowhere to be found}\n}\n")
    (spoilt / "web" / "static" / "course.css").write_text(
        "a {}\nb { background: url(//x.org/y) }\n"
    )
    code, said = site_course.build(spoilt)
    assert code == 1
    for number, message in enumerate(PAGE_FAULTS.values()):
        line = before + 1 + 2 * number
        assert re.search(rf"how_to_use\.md:{line}: WARNING: .*{message}", said), (message, said)
    assert re.search(r"90_sample\.ipynb:1000\d: .*formula.*\[cell 1, line \d: edit book/", said), (
        said
    )
    assert re.search(r"90_sample\.ipynb:2000\d: .*alternative text.*\[cell 2, line \d", said), said
    assert re.search(r"90_sample\.ipynb:3000\d: .*not of the form.*\[cell 3, line \d", said), said
    assert re.search(r"references\.bib:\d+: .*aardvark has neither doi nor url: add", said), said
    assert re.search(r"references\.bib:\d+: .*aardvark stands behind", said), said
    assert re.search(r"course\.css:2: .*put the file into the repository", said), said
    assert "error: the site is not built" in said


def test_a_failed_build_says_the_same_again_and_a_mended_one_passes(spoilt):
    page = spoilt / "book" / "claims.md"
    good = page.read_text(encoding="utf-8")
    page.write_text(good + "\n[gone](gone.md)\n")
    first, second = site_course.build(spoilt), site_course.build(spoilt)
    assert first[0] == second[0] == 1
    assert "gone.md" in second[1]
    page.write_text(good)
    code, said = site_course.build(spoilt)
    assert code == 0, said


def test_a_page_taken_from_the_contents_leaves_the_site(course, tmp_path):
    copy = shutil.copytree(course, tmp_path / "copy", symlinks=True)
    toc = copy / "_toc.yml"
    toc.write_text(toc.read_text().replace(f"      - file: {LESSON}\n", ""))
    code, said = site_course.build(copy)
    assert code == 0, said
    assert not (html(copy) / f"{LESSON}.html").exists()
