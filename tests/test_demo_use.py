"""The live demos in a browser: what is fetched when, addresses, bad input, hard use, a disk."""

import re
from urllib.parse import urlsplit

import pytest

import site_pages
from demo_page import DEMO, LESSON, PAGE, focused, open_demo, steps, wait_for_steps
from site_browser import SIZES


def test_nothing_is_fetched_before_the_reader_asks(browser, address, html):
    for name in (PAGE, LESSON, "notebooks/lessons/02_backpropagation.html"):
        page = browser.new_page(viewport=SIZES["wide"])
        asked = []
        page.on("request", lambda request, asked=asked: asked.append(urlsplit(request.url).path))
        page.goto(f"{address}/{name}", wait_until="networkidle")
        page.locator("course-demo").scroll_into_view_if_needed()
        page.wait_for_timeout(300)
        assert not any("playground.js" in path for path in asked)
        before = len(asked)
        button = page.locator(".demo-open")
        told = int(re.search(r"\((\d+) KB\)", button.inner_text())[1])
        button.click()
        page.wait_for_function(DEMO)
        page.wait_for_timeout(300)
        new = [path for path in asked[before:] if "_images" not in path]
        assert new == ["/_static/demos/playground.js"]
        weight = site_pages.packed_size(html / new[0].lstrip("/"))
        assert abs(told - weight / 1000) < 1
        page.close()


def test_only_pages_with_a_demo_carry_its_script(html):
    with_demo = {
        name
        for name in site_pages.names(html)
        if "course-demo.js" in (html / name).read_text(encoding="utf-8")
    }
    lessons = {PAGE, LESSON, "notebooks/lessons/02_backpropagation.html"}
    assert with_demo == lessons


def test_a_script_that_does_not_come_is_said_and_can_be_asked_for_again(page, address):
    page.route("**/playground.js*", lambda route: route.abort())
    page.goto(f"{address}/{PAGE}")
    page.click(".demo-open")
    page.wait_for_selector(".demo-message:has-text('could not be loaded')")
    page.unroute("**/playground.js*")
    page.click(".demo-open")
    page.wait_for_function(DEMO)
    page.seen[:] = [line for line in page.seen if "ERR_FAILED" not in line]


# --- addresses


def test_a_broken_address_is_told_and_the_usual_setting_stands(page, address):
    demo = open_demo(page, address, "data=moon&lr=0.1&hidden=99")
    message = demo.locator(".message")
    assert "data is “moon”, expected clusters, xor" in message.inner_text()
    assert "hidden is “99”" in message.inner_text()
    state = page.evaluate(f"{DEMO}.state")
    assert (state["data"], state["lr"], state["hidden"]) == ("xor", 0.1, [4])
    page.evaluate("location.hash = 'no-such-thing'")
    page.wait_for_function(f"{DEMO}.view.querySelector('.message').textContent.includes('no-such')")
    page.evaluate("location.hash = '%E0%A4%A'")
    page.wait_for_function(f"{DEMO}.view.querySelector('.message').textContent.includes('%E0')")
    page.evaluate("location.hash = 'data=<img src=x onerror=alert(1)>'")
    page.wait_for_function(f"{DEMO}.view.querySelector('.message').textContent.includes('<img')")
    assert demo.locator(".message img").count() == 0
    page.evaluate("location.hash = 'rings'")
    page.wait_for_function(f"{DEMO}.state.data === 'rings'")
    assert message.inner_text() == ""


def test_an_address_that_names_a_place_of_the_text_opens_no_demo(page, address):
    page.goto(f"{address}/{PAGE}#prepared-situations")
    page.wait_for_timeout(300)
    assert not page.evaluate(f"Boolean({DEMO})")


def test_what_is_set_stands_in_the_address_and_comes_back_from_it(page, address):
    demo = open_demo(page, address, "xor-line")
    demo.locator("[name=layers]").select_option("2")
    demo.locator("[name=lr]").select_option("0.3")
    demo.locator("input[value=sinx1]").check()
    demo.locator("[name=seed]").click()
    state, here = page.evaluate(f"{DEMO}.state"), page.url
    assert "lr=0.3" in here
    assert "Your own setting" in demo.locator(".says").inner_text()
    page.goto("about:blank")
    page.goto(here)
    page.wait_for_function(DEMO)
    assert page.evaluate(f"{DEMO}.state") == state
    demo.locator("[name=situation]").select_option("rings")
    assert page.url.endswith("#rings")


def test_a_demo_in_a_lesson_shares_the_playgrounds_address_and_leaves_its_own(page, address):
    page.goto(f"{address}/{LESSON}")
    page.click(".demo-open")
    page.wait_for_function(DEMO)
    page.locator("course-demo [name=lr]").select_option("0.3")
    assert page.url == f"{address}/{LESSON}"
    link = page.evaluate(f"{DEMO}.address()")
    assert link == f"{address}/{PAGE}#hidden=8&act=relu&lr=0.3"


# --- bad input, hard use


@pytest.mark.parametrize("wild", ["too-fast", "data=product&hidden=8.8&act=square&lr=1000&opt=sgd"])
def test_a_loss_that_flies_off_is_explained_and_two_ways_back_are_offered(page, address, wild):
    demo = open_demo(page, address, wild)
    demo.locator("[name=speed]").select_option("0")
    demo.locator("[name=play]").click()
    demo.locator(".message.on button").first.wait_for()
    assert "the steps are too long" in demo.locator(".message").inner_text()
    assert not page.evaluate(f"{DEMO}.playing")
    demo.locator("[name=step]").click()
    demo.locator("[name=play]").click()
    assert demo.locator("[name=play]").inner_text() == "Play", "there is nothing to go on with"
    rate = page.evaluate(f"{DEMO}.state.lr")
    demo.locator(".message button").last.click()
    assert page.evaluate(f"{DEMO}.state.lr") < rate
    assert steps(page) == 0
    assert demo.locator(".message").inner_text() == ""
    assert focused(page)[0] == "play"


def test_numbers_that_are_none_do_not_freeze_the_page(page, address):
    demo = open_demo(page, address, "spiral")
    page.evaluate(f"() => {{ {DEMO}.trainer.network.theta.fill(NaN); {DEMO}.play(true); }}")
    demo.locator(".message.on button").first.wait_for()
    page.evaluate(f"{DEMO}.draw()")
    demo.locator(".message button").first.click()
    page.evaluate(f"() => {{ {DEMO}.trainer.run(50); {DEMO}.finish(); }}")
    assert re.match(r"loss \d", demo.locator(".number output").first.inner_text())


def test_a_unit_is_shown_large_when_it_is_clicked(page, address):
    demo = open_demo(page, address, "rings")
    spot = page.evaluate(f"{DEMO}.pictures.plan.spots[1][2]")
    demo.locator("canvas.network").click(position={"x": spot["x"], "y": spot["y"]})
    assert demo.locator("[name=shows]").input_value() == "1.2"


def test_the_demo_works_from_a_disk(page, html):
    page.goto((html / LESSON).as_uri())
    page.click(".demo-open")
    page.wait_for_function(DEMO)
    page.locator("course-demo [name=play]").click()
    wait_for_steps(page, 3)
    page.goto((html / PAGE).as_uri() + "#rings")
    page.wait_for_function(DEMO)
    page.locator("course-demo [name=lr]").select_option("0.3")
    assert page.url.endswith("#data=rings&hidden=3&lr=0.3")


def test_each_setting_can_be_taken_and_trains(page, address):
    demo = open_demo(page, address, "spiral")
    for name in ("act", "layers", "opt", "batch", "loss", "reg", "situation"):
        options = demo.locator(f"[name={name}] option").evaluate_all("all => all.map(o => o.value)")
        for value in filter(None, options):
            demo.locator(f"[name={name}]").select_option(value)
            page.evaluate(f"() => {{ {DEMO}.trainer.run(3); {DEMO}.finish(); }}")
    for value in ("clusters", "xor", "rings", "plane", "product"):
        demo.locator(f"input[value={value}]").check(force=True)
        page.evaluate(f"() => {{ {DEMO}.trainer.run(3); {DEMO}.finish(); }}")
        assert page.evaluate(f"{DEMO}.state.data") == value
    demo.locator("[name=train]").fill("5")
    demo.locator("[name=test]").check()
    demo.locator("[name=sample]").click()
    assert page.evaluate(f"{DEMO}.trainer.parts.train.length") == 20
