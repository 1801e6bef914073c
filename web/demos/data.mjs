/** The playground's data: points of a square of side 6 round the origin, each with an answer. */

import { normal } from "./random.mjs";

export const EDGE = 3; // the square goes from -EDGE to EDGE
export const POINTS = 400;
const GAP = 0.2; // that XOR leaves free along the axes

/** @typedef {[number, number, number]} Example x1, x2 and the answer: 0 or 1, or any number */
/** @typedef {{kind: "class" | "number", draw: (random: () => number) => Example}} DataSet */

/** @param {() => number} random */
const side = (random) => EDGE * (2 * random() - 1);

/** @param {() => number} random */
function xor(random) {
  const apart = () => {
    const x = side(random);
    return x + (x > 0 ? GAP : -GAP) * (1 - Math.abs(x) / EDGE);
  };
  const [a, b] = [apart(), apart()];
  return /** @type {Example} */ ([a, b, a * b < 0 ? 1 : 0]);
}

/** @param {() => number} random */
function rings(random) {
  const inside = random() < 0.5;
  const r = inside ? 1.3 * Math.sqrt(random()) : 2 + 0.8 * random();
  const turn = 2 * Math.PI * random();
  return /** @type {Example} */ ([r * Math.cos(turn), r * Math.sin(turn), inside ? 1 : 0]);
}

/** @param {() => number} random */
function spiral(random) {
  const [arm, t] = [random() < 0.5 ? 0 : 1, Math.sqrt(random())];
  const turn = 2.6 * t * Math.PI + arm * Math.PI;
  const r = 2.8 * t;
  return /** @type {Example} */ ([r * Math.sin(turn), r * Math.cos(turn), arm]);
}

/**
 * Each data set; the answers of those of kind "number" have variance 1, so that always answering
 * the mean costs a squared loss of about 1.
 * @type {Record<string, DataSet>}
 */
export const DATA = {
  clusters: {
    kind: "class",
    draw: (random) => {
      const yes = random() < 0.5 ? 1 : 0;
      const at = yes ? 1.2 : -1.2;
      return [at + 0.55 * normal(random), at + 0.55 * normal(random), yes];
    },
  },
  xor: { kind: "class", draw: xor },
  rings: { kind: "class", draw: rings },
  spiral: { kind: "class", draw: spiral },
  plane: {
    kind: "number",
    draw: (random) => {
      const [a, b] = [side(random), side(random)];
      return [a, b, (a + b) / Math.sqrt(6)];
    },
  },
  product: {
    kind: "number",
    draw: (random) => {
      const [a, b] = [side(random), side(random)];
      return [a, b, (a * b) / 3];
    },
  },
};

/**
 * What a network may see of a point.
 * @type {Record<string, (a: number, b: number) => number>}
 */
export const FEATURES = {
  x1: (a) => a,
  x2: (_, b) => b,
  "x1^2": (a) => a * a,
  "x2^2": (_, b) => b * b,
  "x1x2": (a, b) => a * b,
  "sinx1": (a) => Math.sin(a),
  "sinx2": (_, b) => Math.sin(b),
};

/**
 * Return POINTS examples; `noise` (0 to 1) moves points of classes, or answers that are numbers.
 * @param {string} name
 * @param {number} noise
 * @param {() => number} random
 */
export function makeData(name, noise, random) {
  const { kind, draw } = DATA[name];
  const rows = [];
  for (let i = 0; i < POINTS; i++) {
    const [a, b, y] = draw(random);
    const [da, db] = [normal(random), normal(random)];
    const [across, up] = kind === "class" ? [1.5 * noise * da, 1.5 * noise * db] : [0, 0];
    rows.push(/** @type {Example} */ ([a + across, b + up, kind === "class" ? y : y + noise * da]));
  }
  return rows;
}

/**
 * Return the examples as a network takes them: features (rows, features) and answers (rows).
 * @param {Example[]} rows
 * @param {string[]} features
 */
export function toArrays(rows, features) {
  const X = new Float32Array(rows.length * features.length);
  const y = new Float32Array(rows.length);
  rows.forEach(([a, b, answer], i) => {
    features.forEach((name, k) => {
      X[i * features.length + k] = FEATURES[name](a, b);
    });
    y[i] = answer;
  });
  return { X, y };
}
