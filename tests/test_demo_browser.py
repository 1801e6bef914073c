"""The live demos in a browser: they are right, keep their promises and are there for everyone."""

import json
import re
import shutil
import threading

import pytest

import demo_vectors
from coursekit.site import make_server
from demo_node import FOLDER
from demo_page import DEMO, LESSON, PAGE, focused, open_demo, steps, wait_for_steps
from site_browser import SIZES, inaccessible, overflows, watch
from site_course import ROOT

SITUATIONS = json.loads((FOLDER / "playground.json").read_text(encoding="utf-8"))


def test_the_engine_says_in_the_browser_what_torch_says(page, tmp_path):
    for path in (FOLDER / "nn.mjs", ROOT / "tests" / "demo_check.mjs", demo_vectors.FILE):
        shutil.copy(path, tmp_path)
    (tmp_path / "index.html").write_text('<link rel="icon" href="data:,">')
    with make_server(tmp_path) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        found = page.evaluate(
            """async () => {
              const [engine, { gaps }, cases] = await Promise.all([import('/nn.mjs'),
                import('/demo_check.mjs'), fetch('/demo_vectors.json').then((r) => r.json())]);
              return gaps(engine, cases);
            }"""
        )
        server.shutdown()
    assert len(found) == len(demo_vectors.CASES)
    assert all(gap is not None and gap <= 1e-5 for case in found for gap in case.values()), found


MEASURE = f"""({{after, of, what}}) => {{
  const {{trainer}} = {DEMO};
  trainer.run(after - trainer.steps);
  {DEMO}.finish();
  const late = trainer.history.slice(trainer.history.length >> 1).map((m) => m[of]?.loss);
  const value = what === 'peak' ? Math.max(...late) : what === 'low' ? Math.min(...late)
    : what ? trainer.measure(of)[what] : null;
  return {{value, steps: trainer.steps, apart: trainer.apart}};
}}"""


def broken_promises(page, situation):
    """Run a situation as far as it promises something; return what does not come true."""
    broken = []
    for promise in situation["promise"]:
        found = page.evaluate(MEASURE, promise)
        if promise.get("apart", False) != found["apart"]:
            broken.append(f"apart is {found['apart']}")
        elif not found["apart"] and found["steps"] != promise["after"]:
            broken.append(f"{found['steps']} steps")
        low, high = promise.get("at_least", -1e9), promise.get("at_most", 1e9)
        if found["value"] is not None and not low <= found["value"] <= high:
            broken.append(f"{promise}: {found['value']}")
    return broken


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda s: s["name"])
def test_a_situation_does_what_its_sentence_says(page, address, situation):
    demo = open_demo(page, address, situation["name"])
    assert demo.locator(".says").inner_text() == situation["says"]
    assert broken_promises(page, situation) == []


def test_a_promise_that_is_not_kept_is_seen(page, address):
    line = next(s for s in SITUATIONS if s["name"] == "xor-line")
    open_demo(page, address, "xor-hidden")
    assert len(broken_promises(page, line)) == 2
    open_demo(page, address, "rings")
    assert broken_promises(page, {"promise": [{"after": 50, "apart": True}]})


# --- for everyone


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_an_open_demo_is_accessible_and_fits(browser, address, size, scheme):
    context = browser.new_context(viewport=SIZES[size], color_scheme=scheme)
    page = context.new_page()
    seen = watch(page)
    demo = open_demo(page, address, "by-heart")
    page.evaluate(f"() => {{ {DEMO}.trainer.run(300); {DEMO}.finish(); }}")
    demo.locator("summary").click()
    page.wait_for_timeout(100)
    seen += overflows(page) + inaccessible(page)
    page.evaluate(f"() => {DEMO}.use('too-fast')")
    page.evaluate(f"() => {{ {DEMO}.trainer.run(600); {DEMO}.finish(); }}")
    seen += overflows(page) + inaccessible(page)
    wide = page.evaluate(
        """() => { const host = document.querySelector('course-demo');
          const right = host.getBoundingClientRect().right + 1;
          return [...host.shadowRoot.querySelectorAll('.demo *')].filter((e) =>
            !e.closest('.ear, .weights') && e.getBoundingClientRect().right > right).length; }"""
    )
    small = page.evaluate(
        """() => [...document.querySelector('course-demo').shadowRoot
          .querySelectorAll('button, select, summary, .box, [type=range]')]
          .map((e) => [e.textContent.slice(0, 20), e.getBoundingClientRect().height])
          .filter(([, height]) => height && height < 24)"""
    )
    context.close()
    assert seen == []
    assert wide == 0
    assert small == [], "too small to hit with a finger"


def tab_to(page, name, most=120):
    """Press Tab until the element called `name` has the focus."""
    for _ in range(most):
        if focused(page)[0] == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {name}")


def test_the_keyboard_alone_opens_plays_steps_resets_and_sets(page, address):
    page.goto(f"{address}/{PAGE}")
    tab_to(page, "demo-open")
    page.keyboard.press("Enter")
    page.wait_for_function(DEMO)
    assert focused(page)[0] == "play"
    page.keyboard.press("Space")
    wait_for_steps(page, 3)
    page.keyboard.press("p")
    assert not page.evaluate(f"{DEMO}.playing")
    before = steps(page)
    page.keyboard.press("s")
    assert steps(page) == before + 1
    page.keyboard.press("r")
    assert steps(page) == 0
    tab_to(page, "shows")
    page.keyboard.press("ArrowDown")
    assert focused(page)[1] == "1.0"
    for name, key, field in (
        *(("act", "ArrowDown", "act"), ("layers", "ArrowDown", "hidden")),
        *(("lr", "ArrowUp", "lr"), ("noise", "ArrowRight", "noise"), ("seed", "Enter", "seed")),
    ):
        was = page.evaluate(f"{DEMO}.state.{field}")
        tab_to(page, name)
        page.keyboard.press(key)
        page.wait_for_function(f"w => String({DEMO}.state.{field}) !== String(w)", arg=was)
    assert page.evaluate(f"{DEMO}.view.contains({DEMO}.view.getRootNode().activeElement)")


def test_a_screen_reader_is_told_where_training_stands(page, address):
    demo = open_demo(page, address, "rings")
    ear = demo.locator(".ear")
    assert ear.get_attribute("role") == "status"
    demo.locator("[name=step]").click()
    said = ear.inner_text()
    sentence = r"Step 1\. Training loss [\d.]+, test loss [\d.]+; test: \d+ % right\."
    assert re.fullmatch(sentence, said)
    assert "coloured by the answer" in demo.locator("canvas.plane").get_attribute("aria-label")
    assert "2, 3, 1 units" in demo.locator("canvas.network").get_attribute("aria-label")
    demo.locator("[name=play]").click()
    wait_for_steps(page, 5)
    assert ear.inner_text() == said, "not at each step: that would be a stream of words"
    demo.locator("[name=play]").click()
    assert ear.inner_text() != said


def test_where_little_motion_is_wanted_the_picture_changes_once_a_second(browser, address):
    frames = {}
    for motion in ("reduce", "no-preference"):
        context = browser.new_context(viewport=SIZES["wide"], reduced_motion=motion)
        page = context.new_page()
        open_demo(page, address, "spiral")
        page.wait_for_timeout(200)
        assert steps(page) == 0, "nothing moves before the reader asks"
        frames[motion] = page.evaluate(
            f"""async () => {{ const demo = {DEMO}; const [f, t] = [demo.frames, performance.now()];
              demo.play(true); await new Promise((r) => setTimeout(r, 2500));
              return [demo.frames - f, (performance.now() - t) / 1000, demo.trainer.steps]; }}"""
        )
        context.close()
    drawn, seconds, taken = frames["reduce"]
    assert 1 <= drawn <= seconds + 1
    assert taken > drawn
    assert frames["no-preference"][0] > drawn


def test_a_demo_that_nobody_sees_rests_and_goes_on_when_it_is_seen(page, address):
    open_demo(page, address, "spiral")
    page.evaluate(f"{DEMO}.play(true)")
    wait_for_steps(page, 2)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_function(f"!{DEMO}.visible")
    page.wait_for_timeout(100)
    before = steps(page)
    page.wait_for_timeout(300)
    assert steps(page) == before
    page.evaluate("scrollTo(0, 0)")
    wait_for_steps(page, 2)


def test_without_scripts_there_is_a_picture_and_a_sentence(browser, address, html):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for name in (PAGE, LESSON):
        page.goto(f"{address}/{name}")
        demo = page.locator("course-demo")
        assert demo.locator("img").get_attribute("alt")
        demo.scroll_into_view_if_needed()
        assert demo.locator("img").bounding_box()["height"] > 100
        sentence = demo.locator("noscript p")
        sentence.wait_for(state="visible")
        assert "needs JavaScript" in sentence.text_content()
        assert demo.locator("button").count() == 0
    page.goto(f"{address}/{PAGE}#too-fast")
    assert "A hair above" in page.locator("#too-fast").inner_text()
    context.close()
