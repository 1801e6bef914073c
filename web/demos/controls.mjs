/** The playground's buttons, fields and pictures as elements; what they do is in playground.mjs. */

import { DATA, FEATURES } from "./data.mjs";
import { ACTIVATIONS } from "./nn.mjs";
import { BATCHES, LEARNING_RATES, MOST_LAYERS, MOST_UNITS, PENALTY_RATES } from "./state.mjs";
import W from "./strings.json" with { type: "json" };

/** @typedef {import("./state.mjs").State} State */
/** @typedef {{name: string, title: string, says: string, state: string}} Situation */
/** @typedef {Record<string, any>} Attributes */

/**
 * Return a new element; attributes that begin with "on" are listeners, false ones are left out.
 * @param {string} tag
 * @param {Attributes} [attributes]
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/**
 * Return `text` with each {name} replaced.
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** @param {string} label @param {Node} field */
const labelled = (label, field) => make("label", { class: "field" }, make("span", {}, label), field);

/**
 * @param {[string, string][]} options value and text of each
 * @param {string} name
 */
function select(options, name) {
  return make("select", { name }, ...options.map(([value, text]) => make("option", { value }, text)));
}

/** @param {Record<string, string>} words @param {string[]} keys @returns {[string, string][]} */
const named = (words, keys) => keys.map((key) => [key, words[key]]);

/** @param {readonly number[]} numbers @returns {[string, string][]} */
const plain = (numbers) => numbers.map((n) => [String(n), String(n)]);

/** The choice of data, each with a small picture that playground.mjs paints. */
function dataField() {
  const kinds = Object.keys(DATA).map((name) =>
    make("label", { class: "pick" },
      make("input", { type: "radio", name: "data", value: name }),
      make("canvas", { "data-name": name, "aria-hidden": "true" }),
      make("span", {}, /** @type {any} */ (W.data)[name]),
    ),
  );
  return make("fieldset", { class: "data" }, make("legend", {}, W.data.legend), make("div", { class: "picks" }, ...kinds));
}

/** The choice of what the network sees. */
function featureField() {
  const boxes = Object.keys(FEATURES).map((name) =>
    make("label", { class: "box" },
      make("input", { type: "checkbox", name: "features", value: name }),
      make("span", {}, /** @type {any} */ (W.features)[name]),
    ),
  );
  return make("fieldset", {}, make("legend", {}, W.features.legend), make("div", { class: "boxes" }, ...boxes));
}

/** Layers, units and activation. */
function networkField() {
  const counts = Array.from({ length: MOST_LAYERS + 1 }, (_, i) => i);
  const units = Array.from({ length: MOST_UNITS }, (_, i) => i + 1);
  const layers = counts.slice(1).map((layer) =>
    labelled(fill(W.network.units, { layer }), select(plain(units), `units${layer}`)),
  );
  return make("fieldset", {}, make("legend", {}, W.network.legend),
    make("div", { class: "fields" },
      labelled(W.network.act, select(named(W.act, Object.keys(ACTIVATIONS)), "act")),
      labelled(W.network.layers, select(plain(counts), "layers")),
      ...layers,
    ),
  );
}

/** Optimiser, rates, loss and penalty. */
function learningField() {
  const batches = BATCHES.map((n) => /** @type {[string, string]} */ ([String(n), n ? String(n) : W.batch.all]));
  return make("fieldset", {}, make("legend", {}, W.learning.legend),
    make("div", { class: "fields" },
      labelled(W.learning.opt, select(named(W.opt, ["sgd", "momentum", "adam"]), "opt")),
      labelled(W.learning.lr, select(plain(LEARNING_RATES), "lr")),
      labelled(W.learning.batch, select(batches, "batch")),
      labelled(W.learning.loss, select(named(W.loss, ["log", "brier"]), "loss")),
      labelled(W.learning.reg, select(named(W.reg, ["none", "l1", "l2"]), "reg")),
      labelled(W.learning.rate, select(plain(PENALTY_RATES), "rate")),
    ),
  );
}

/** Noise, split, and the two dice. */
function examplesField() {
  const range = (/** @type {string} */ name, /** @type {number} */ min, /** @type {number} */ max) =>
    make("span", { class: "range" }, make("input", { type: "range", name, min, max, step: 5 }), make("output"));
  return make("fieldset", {}, make("legend", {}, W.examples.legend),
    make("div", { class: "fields" },
      labelled(W.examples.noise, range("noise", 0, 50)),
      labelled(W.examples.train, range("train", 5, 90)),
      make("button", { type: "button", name: "sample" }, W.examples.sample),
      make("button", { type: "button", name: "seed" }, W.examples.seed),
    ),
  );
}

/**
 * The row of buttons above the pictures.
 * @param {Situation[]} situations
 */
function bar(situations) {
  const choices = situations.map((s) => /** @type {[string, string]} */ ([s.name, s.title]));
  const speeds = /** @type {[string, string][]} */ (["1", "10", "0"].map((n) => [n, /** @type {any} */ (W.speeds)[n]]));
  return make("div", { class: "bar" },
    make("button", { type: "button", name: "play", class: "main" }, W.play),
    make("button", { type: "button", name: "step" }, W.step),
    make("button", { type: "button", name: "reset" }, W.reset),
    labelled(W.situation, select([...choices, ["", W.own]], "situation")),
    labelled(W.speed, select(speeds, "speed")),
  );
}

/** The network, the plane, the loss and the numbers. */
function stage() {
  const picture = (/** @type {string} */ name) => make("canvas", { class: name, role: "img" });
  const number = (/** @type {string} */ part) => make("div", { class: "number" }, make("b", {}, part), make("output"), make("output"));
  return make("div", { class: "stage" },
    make("div", { class: "net" }, picture("network")),
    make("div", { class: "answer" },
      picture("plane"),
      make("p", { class: "legend" }),
      make("div", { class: "under" },
        labelled(W.shows.label, make("select", { name: "shows" })),
        make("label", { class: "box" }, make("input", { type: "checkbox", name: "test" }), make("span", {}, W.examples.test)),
      ),
    ),
    make("div", { class: "course" },
      make("div", { class: "numbers" }, make("output", { class: "count" }), number(W.numbers.train), number(W.numbers.test)),
      picture("curves"),
    ),
  );
}

/**
 * Return all of the playground's elements.
 * @param {Situation[]} situations
 * @returns {HTMLElement}
 */
export function makeView(situations) {
  return make("div", { class: "demo", role: "group", "aria-label": W.region },
    bar(situations),
    make("p", { class: "says" }),
    make("div", { class: "message", role: "alert" }),
    stage(),
    make("div", { class: "settings" }, dataField(),
      make("div", {}, featureField(), learningField()),
      make("div", {}, networkField(), examplesField()),
    ),
    make("details", {}, make("summary", {}, W.weights), make("div", { class: "weights" })),
    make("div", { class: "foot" },
      make("button", { type: "button", name: "share" }, W.share),
      make("p", { class: "keys" }, W.keys),
    ),
    make("div", { class: "ear", role: "status" }),
  );
}

/**
 * Let a field show `value`, which becomes an option of its own where it is none.
 * @param {HTMLSelectElement} field
 * @param {string | number} value
 */
function choose(field, value) {
  const text = String(value);
  if (![...field.options].some((option) => option.value === text)) {
    field.append(make("option", { value: text }, text));
  }
  field.value = text;
}

/**
 * Let all fields show a state.
 * @param {HTMLElement} view
 * @param {State} state
 */
export function showState(view, state) {
  const field = (/** @type {string} */ name) => /** @type {any} */ (view.querySelector(`[name="${name}"]`));
  for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (view.querySelectorAll("[name=data]"))) {
    input.checked = input.value === state.data;
  }
  for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (view.querySelectorAll("[name=features]"))) {
    input.checked = state.features.includes(input.value);
  }
  for (const name of /** @type {const} */ (["act", "opt", "lr", "batch", "loss", "reg", "rate"])) {
    choose(field(name), state[name]);
  }
  for (const name of /** @type {const} */ (["noise", "train"])) {
    field(name).value = state[name];
    field(name).nextElementSibling.textContent = state[name];
  }
  choose(field("layers"), state.hidden.length);
  for (let layer = 1; layer <= MOST_LAYERS; layer++) {
    const units = field(`units${layer}`);
    units.closest("label").hidden = layer > state.hidden.length;
    choose(units, state.hidden[layer - 1] ?? 4);
  }
  const numbers = DATA[state.data].kind === "number";
  field("loss").closest("label").hidden = numbers;
  field("rate").closest("label").hidden = state.reg === "none";
}

/**
 * Return the state that the fields show; seeds are kept from `old`.
 * @param {HTMLElement} view
 * @param {State} old
 * @returns {State}
 */
export function readState(view, old) {
  const value = (/** @type {string} */ name) => /** @type {any} */ (view.querySelector(`[name="${name}"]`)).value;
  const checked = [.../** @type {NodeListOf<HTMLInputElement>} */ (view.querySelectorAll("[name=features]:checked"))];
  const data = /** @type {HTMLInputElement} */ (view.querySelector("[name=data]:checked"));
  const hidden = Array.from({ length: Number(value("layers")) }, (_, i) => Number(value(`units${i + 1}`)));
  const rate = Number(value("rate"));
  return {
    ...old,
    data: data.value,
    features: checked.length ? checked.map((input) => input.value) : old.features,
    hidden,
    act: value("act"),
    loss: value("loss"),
    opt: value("opt"),
    lr: Number(value("lr")),
    batch: Number(value("batch")),
    reg: value("reg"),
    rate: value("reg") !== "none" && old.reg === "none" && rate === 0 ? 0.01 : rate,
    noise: Number(value("noise")),
    train: Number(value("train")),
  };
}
