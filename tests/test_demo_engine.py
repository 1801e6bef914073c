"""The playground without a page: its engine against torch, its data, its states, its training."""

import json

import pytest

import demo_vectors
from demo_node import FOLDER, node, run_module
from site_course import ROOT

PRECISION = 1e-5  # to which single precision agrees with torch


def torch_gaps(engine):
    """Return the largest gap between torch and the engine in file `engine`, for each case."""
    found = node(ROOT / "tests" / "demo_check.mjs", engine, demo_vectors.FILE)
    return [max(case.values(), key=lambda v: float("inf") if v is None else v) for case in found]


def test_the_vectors_are_what_torch_says_now():
    def same(ours, theirs):
        if isinstance(ours, dict):
            return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in ours)
        if isinstance(ours, list):
            return len(ours) == len(theirs) and all(map(same, ours, theirs))
        return ours == theirs if isinstance(ours, str) else abs(ours - theirs) <= 1e-6

    kept = json.loads(demo_vectors.FILE.read_text(encoding="utf-8"))
    assert same(kept, demo_vectors.make_vectors()), "run `python tests/demo_vectors.py`"


def test_the_vectors_hold_every_activation_loss_penalty_and_optimiser():
    cases = json.loads(demo_vectors.FILE.read_text(encoding="utf-8"))
    names = run_module(
        "import { ACTIVATIONS } from 'HERE/nn.mjs';"
        "console.log(JSON.stringify(Object.keys(ACTIVATIONS)))"
    )
    assert {case["act"] for case in cases} == set(names)
    assert {case["loss"] for case in cases} == {"squares", "log", "brier"}
    assert {case["penalty"] for case in cases} == {"none", "l1", "l2"}
    assert all(set(case["after"]) == {"sgd", "momentum", "adam"} for case in cases)


def test_the_engine_says_what_torch_says():
    gaps = torch_gaps(FOLDER / "nn.mjs")
    assert len(gaps) == len(demo_vectors.CASES)
    assert max(gaps) <= PRECISION, gaps


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("slope: (_, h) => 1 - h * h", "slope: (_, h) => 1 - h"),
        ("slope: (z) => (z > 0 ? 1 : 0)", "slope: () => 1"),
        ("db[j] = bias", "db[j] = bias / rows"),
        ("2 * off * p * (1 - p)", "2 * off"),
        ("(theta[i] * theta[i]) / 2", "theta[i] * theta[i]"),
        ("Math.sqrt(s[i] / second) + EPSILON", "Math.sqrt(s[i]) + EPSILON"),
        ("m[i] = BETA * m[i] + g[i]", "m[i] = BETA * m[i] + (1 - BETA) * g[i]"),
        ("sum += D[i * units + j] * W[j * inputs + k]", "sum += D[i * units + j]"),
        ("z > 700 ? 700 : ", ""),
    ],
)
def test_the_comparison_with_torch_sees_a_slip(tmp_path, right, wrong):
    text = (FOLDER / "nn.mjs").read_text(encoding="utf-8")
    assert text.count(right) == 1
    spoilt = tmp_path / "nn.mjs"
    spoilt.write_text(text.replace(right, wrong), encoding="utf-8")
    if "700" in right:
        law = (
            "import { exp } from 'HERE/nn.mjs'; console.log(JSON.stringify([1e3, -1e3, NaN]"
            ".map((z) => { const e = exp(z); return Number.isFinite(e) || Number.isNaN(z); })))"
        )
        assert all(run_module(law))
        assert not all(run_module(law, tmp_path))
        return
    assert not max(torch_gaps(spoilt)) <= PRECISION


def test_data_come_again_with_their_seed_and_keep_their_promises():
    found = run_module(
        "import { DATA, EDGE, makeData } from 'HERE/data.mjs';"
        "import { makeRandom } from 'HERE/random.mjs';"
        "const all = Object.entries(DATA).map(([name, { kind }]) => {"
        "  const rows = Array.from({ length: 25 }, (_, s) => makeData(name, 0, makeRandom(s)));"
        "  const again = makeData(name, 0, makeRandom(3));"
        "  const y = rows.flat().map((r) => r[2]);"
        "  const mean = y.reduce((a, b) => a + b) / y.length;"
        "  const spread = y.reduce((a, b) => a + (b - mean) ** 2, 0) / y.length;"
        "  const same = JSON.stringify(again) === JSON.stringify(rows[3]);"
        "  const other = JSON.stringify(rows[2]) !== JSON.stringify(rows[3]);"
        "  const far = Math.max(...rows.flat().flatMap((r) => r.slice(0, 2).map(Math.abs)));"
        "  return { name, kind, mean, spread, same, other, far };"
        "}); console.log(JSON.stringify(all))"
    )
    assert len(found) >= 5
    for data in found:
        assert data["same"], data
        assert data["other"], data
        assert data["far"] < 4, data
        if data["kind"] == "class":
            assert abs(data["mean"] - 0.5) < 0.02, data
        else:
            assert abs(data["mean"]) < 0.05, data
            assert abs(data["spread"] - 1) < 0.05, data


def test_random_numbers_are_uniform_normal_and_shuffled_fairly():
    found = run_module(
        "import { makeRandom, normal, shuffle } from 'HERE/random.mjs';"
        "const n = 1e5; const r = makeRandom(5); const u = Array.from({ length: n }, r);"
        "const g = Array.from({ length: n }, () => normal(r));"
        "const mean = (a, f) => a.reduce((s, v) => s + f(v), 0) / n;"
        "const firsts = [0, 0, 0, 0]; for (let i = 0; i < 4e4; i++) {"
        "  const o = Uint16Array.from([0, 1, 2, 3]); shuffle(o, r); firsts[o[0]] += 1 / 4e4; }"
        "const pairs = u.slice(1).reduce((s, v, i) => s + v * u[i], 0);"
        "console.log(JSON.stringify({ u1: mean(u, (v) => v), u2: mean(u, (v) => v * v),"
        "  g1: mean(g, (v) => v), g2: mean(g, (v) => v * v), g4: mean(g, (v) => v ** 4),"
        "  pairs: pairs / n, firsts, seeds: [1, 2, 3].map((s) => makeRandom(s)()) }))"
    )
    for key, value, room in (
        *(("u1", 1 / 2, 0.005), ("u2", 1 / 3, 0.005), ("pairs", 1 / 4, 0.005)),
        *(("g1", 0, 0.02), ("g2", 1, 0.02), ("g4", 3, 0.15)),
    ):
        assert abs(found[key] - value) < room, (key, found[key])
    assert all(abs(share - 0.25) < 0.015 for share in found["firsts"]), found["firsts"]
    assert len(set(found["seeds"])) == 3


# --- what stands in an address


def test_a_state_comes_back_from_its_address():
    bad = run_module(
        "import { parseState, formatState, DEFAULTS } from 'HERE/state.mjs';"
        "import { makeRandom } from 'HERE/random.mjs';"
        "const r = makeRandom(1); const pick = (a) => a[Math.floor(r() * a.length)];"
        "const bad = [];"
        "for (let i = 0; i < 500; i++) {"
        "  const state = { ...DEFAULTS, data: pick(['xor', 'plane']), act: pick(['relu', 'step']),"
        "    features: pick([['x1'], ['x1', 'x2^2', 'sinx1']]), lr: pick([0.001, 3e-5, 10]),"
        "    hidden: Array.from({ length: Math.floor(5 * r()) }, () => 1 + Math.floor(8 * r())),"
        "    noise: Math.floor(51 * r()), batch: pick([0, 1, 400]), seed: Math.floor(1e5 * r()) };"
        "  const { state: back, problems } = parseState(formatState(state));"
        "  if (problems.length || JSON.stringify(back) !== JSON.stringify(state)) bad.push(state);"
        "} if (formatState(DEFAULTS) !== '') bad.push('defaults'); console.log(JSON.stringify(bad))"
    )
    assert bad == []


@pytest.mark.parametrize(
    "broken",
    [
        *("data=moon", "hidden=9", "hidden=4.4.4.4.4", "hidden=4.", "hidden=-1", "lr=", "lr=nan"),
        *("lr=-1", "lr=1e9", "lr=0x1", "batch=1.5", "noise=51", "features=", "features=x1,x9"),
        *("act=constructor", "__proto__=1", "colour=red", "seed=Infinity", "train=0", "%ff=1"),
    ],
)
def test_a_broken_address_is_named_and_the_usual_state_stands(broken):
    found = run_module(
        "import { parseState, DEFAULTS } from 'HERE/state.mjs';"
        f"const {{ state, problems }} = parseState({json.dumps(broken + '&opt=sgd')});"
        "const same = JSON.stringify(state) === JSON.stringify({ ...DEFAULTS, opt: 'sgd' });"
        "console.log(JSON.stringify({ same, problems }))"
    )
    assert found["same"]
    assert len(found["problems"]) == 1
    assert found["problems"][0]["expected"]


@pytest.mark.parametrize(
    "wild",
    [
        "data=product&hidden=8.8.8&act=square&lr=1000&opt=sgd",
        "data=plane&act=relu&hidden=8.8&lr=1000&opt=momentum",
        "data=plane&reg=l2&rate=10&lr=1000&opt=sgd&hidden=",
    ],
)
def test_a_network_that_flies_apart_stops_and_says_so(wild):
    found = run_module(
        "import { parseState } from 'HERE/state.mjs'; import { Trainer } from 'HERE/trainer.mjs';"
        f"const t = new Trainer(parseState({json.dumps(wild)}).state); const taken = t.run(100000);"
        "console.log(JSON.stringify({ apart: t.apart, taken, more: t.run(5) }))"
    )
    assert found["apart"]
    assert found["taken"] < 1000
    assert found["more"] == 0


def test_what_can_change_while_it_runs_goes_on_and_the_rest_begins_anew():
    found = run_module(
        "import { DEFAULTS } from 'HERE/state.mjs'; import { Trainer } from 'HERE/trainer.mjs';"
        "const t = new Trainer(DEFAULTS); t.run(10); const w = t.network.theta.slice();"
        "const other = { lr: 0.5, batch: 0, opt: 'sgd', reg: 'l2', rate: 0.1 };"
        "const kept = t.adjust({ ...DEFAULTS, ...other });"
        "const same = t.network.theta.every((v, i) => v === w[i]); t.run(10);"
        "console.log(JSON.stringify({ kept, same, steps: t.steps, lr: t.optimiser.lr,"
        "  anew: ['hidden', 'data', 'seed'].map((k) => t.adjust({ ...t.state,"
        "    ...{ hidden: { hidden: [2] }, data: { data: 'rings' }, seed: { seed: 9 } }[k] })) }))"
    )
    assert found == {"kept": True, "same": True, "steps": 20, "lr": 0.5, "anew": [False] * 3}
