/**
 * What can be set in the playground, and how it stands in an address: `data=xor&hidden=4.4&lr=0.1`.
 *
 * What an address leaves out is as in DEFAULTS. What it says wrong is left as there too, and told.
 */

import { ACTIVATIONS } from "./nn.mjs";
import { DATA, FEATURES } from "./data.mjs";

/**
 * @typedef {object} State
 * @property {string} data
 * @property {string[]} features
 * @property {number[]} hidden units of each hidden layer
 * @property {string} act activation of the hidden layers
 * @property {"log" | "brier"} loss for classes; numbers always have squares
 * @property {import("./nn.mjs").OptimiserName} opt
 * @property {number} lr
 * @property {number} batch examples a step; 0 takes all
 * @property {import("./nn.mjs").PenaltyName} reg
 * @property {number} rate of the penalty
 * @property {number} noise 0 to 50, per cent
 * @property {number} train share of the examples that train, per cent
 * @property {number} seed of the first weights and of the order of examples
 * @property {number} sample seed of the data
 */

/** @typedef {{key: string, came: string, expected: string}} Problem */

export const MOST_LAYERS = 4;
export const MOST_UNITS = 8;
export const LEARNING_RATES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
export const PENALTY_RATES = [0, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3];
export const BATCHES = [1, 4, 16, 64, 128, 0];

/** @type {State} */
export const DEFAULTS = {
  data: "xor",
  features: ["x1", "x2"],
  hidden: [4],
  act: "tanh",
  loss: "log",
  opt: "adam",
  lr: 0.03,
  batch: 16,
  reg: "none",
  rate: 0,
  noise: 0,
  train: 50,
  seed: 1,
  sample: 1,
};

/** @typedef {{expected: string, read: (text: string) => unknown}} Rule */

/**
 * @param {string[]} names
 * @returns {Rule}
 */
const oneOf = (names) => ({
  expected: names.join(", "),
  read: (text) => (names.includes(text) ? text : undefined),
});

/**
 * @param {number} low
 * @param {number} high
 * @param {boolean} [whole]
 * @returns {Rule}
 */
const between = (low, high, whole) => ({
  expected: `${low}–${high}`,
  read: (text) => {
    const value = Number(text);
    const fits = /^\d*\.?\d+(e-?\d+)?$/.test(text) && value >= low && value <= high;
    return fits && (!whole || Number.isInteger(value)) ? value : undefined;
  },
});

/** @type {Record<keyof State, Rule>} */
const RULES = {
  data: oneOf(Object.keys(DATA)),
  features: {
    expected: Object.keys(FEATURES).join(", "),
    read: (text) => {
      const asked = text.split(",");
      const known = Object.keys(FEATURES).filter((name) => asked.includes(name));
      return known.length && known.length === asked.length ? known : undefined;
    },
  },
  hidden: {
    expected: `0–${MOST_LAYERS} × 1–${MOST_UNITS}, 4.4`,
    read: (text) => {
      if (text === "") return [];
      const layers = text.split(".");
      const fit = layers.every((units) => /^[1-9]$/.test(units) && Number(units) <= MOST_UNITS);
      return fit && layers.length <= MOST_LAYERS ? layers.map(Number) : undefined;
    },
  },
  act: oneOf(Object.keys(ACTIVATIONS)),
  loss: oneOf(["log", "brier"]),
  opt: oneOf(["sgd", "momentum", "adam"]),
  lr: between(0.00001, 1000),
  batch: between(0, 400, true),
  reg: oneOf(["none", "l1", "l2"]),
  rate: between(0, 10),
  noise: between(0, 50, true),
  train: between(5, 90, true),
  seed: between(0, 99999, true),
  sample: between(0, 99999, true),
};

/**
 * Read a state from an address's text; what is wrong in it is named and replaced.
 * @param {string} text
 * @returns {{state: State, problems: Problem[]}}
 */
export function parseState(text) {
  /** @type {Record<string, unknown>} */
  const state = { ...DEFAULTS };
  const problems = [];
  for (const [key, came] of new URLSearchParams(text)) {
    const rule = Object.hasOwn(RULES, key) ? RULES[/** @type {keyof State} */ (key)] : undefined;
    const value = rule?.read(came);
    if (value === undefined) {
      problems.push({ key, came, expected: rule ? rule.expected : Object.keys(RULES).join(", ") });
    } else {
      state[key] = value;
    }
  }
  return { state: /** @type {State} */ (/** @type {unknown} */ (state)), problems };
}

/**
 * Return `value` as an address holds it.
 * @param {unknown} value
 */
function written(value) {
  if (!Array.isArray(value)) return String(value);
  return value.join(typeof value[0] === "number" ? "." : ",");
}

/**
 * Return the text that `parseState` reads back: what differs from DEFAULTS.
 * @param {State} state
 */
export function formatState(state) {
  const differs = Object.entries(DEFAULTS).flatMap(([key, usual]) => {
    const value = written(state[/** @type {keyof State} */ (key)]);
    return value === written(usual) ? [] : [`${key}=${encodeURIComponent(value).replace(/%2C/g, ",")}`];
  });
  return differs.join("&");
}
