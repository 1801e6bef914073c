/** A network, its data and its optimiser: takes steps, measures, notices when it flies apart. */

import { DATA, makeData, toArrays } from "./data.mjs";
import { Network, Optimiser, lossOf, penalise, sigmoid } from "./nn.mjs";
import { makeRandom, shuffle } from "./random.mjs";

/** @typedef {import("./state.mjs").State} State */
/** @typedef {{loss: number, score: number}} Measured score: share right, or of variance explained */
/** @typedef {{step: number, train: Measured, test: Measured}} Moment */

const FAR = 1e6; // a loss above it counts as flown apart
const MOMENTS = 400; // of a history; when full, every second one stays

/** Trains what a state describes, from the same first weights each time that it is made. */
export class Trainer {
  /** @param {State} state */
  constructor(state) {
    this.state = state;
    this.kind = DATA[state.data].kind;
    /** @type {import("./nn.mjs").LossName} */
    this.loss = this.kind === "number" ? "squares" : state.loss;
    const rows = makeData(state.data, state.noise / 100, makeRandom(7919 * state.sample + 13));
    const cut = Math.round((rows.length * state.train) / 100);
    this.parts = { train: rows.slice(0, cut), test: rows.slice(cut) };
    this.arrays = {
      train: toArrays(this.parts.train, state.features),
      test: toArrays(this.parts.test, state.features),
    };
    this.random = makeRandom(104729 * state.seed + 1);
    this.network = new Network([state.features.length, ...state.hidden, 1], state.act);
    this.network.start(this.random);
    this.optimiser = new Optimiser(state.opt, state.lr, this.network.theta.length);
    this.room = this.network.room(Math.max(cut, rows.length - cut));
    this.order = Uint16Array.from(this.parts.train.keys());
    this.next = cut; // so that the first step shuffles
    this.batch = Math.min(state.batch || cut, cut);
    this.X = new Float32Array(cut * state.features.length);
    this.y = new Float32Array(cut);
    this.steps = 0;
    this.apart = false;
    this.every = 1; // steps between two moments of the history
    /** @type {Moment[]} */
    this.history = [this.now()];
  }

  /**
   * Go on under another rule: what a state says of loss, optimiser, rates and batch. True when
   * that can be had without beginning anew.
   * @param {State} state
   */
  adjust(state) {
    const old = this.state;
    const same = (/** @type {keyof State} */ key) => String(state[key]) === String(old[key]);
    const fixed = /** @type {const} */ (["data", "features", "hidden", "act", "noise", "train", "seed", "sample"]);
    if (this.apart || !fixed.every(same)) return false;
    this.state = state;
    this.loss = this.kind === "number" ? "squares" : state.loss;
    if (!same("opt")) this.optimiser = new Optimiser(state.opt, state.lr, this.network.theta.length);
    this.optimiser.lr = state.lr;
    this.batch = Math.min(state.batch || this.order.length, this.order.length);
    return true;
  }

  /** Copy the next examples into the batch; those left over at the end of a pass sit out. */
  deal() {
    if (this.next + this.batch > this.order.length) {
      shuffle(this.order, this.random);
      this.next = 0;
    }
    const { X, y } = this.arrays.train;
    const width = this.state.features.length;
    for (let i = 0; i < this.batch; i++) {
      const row = this.order[this.next++];
      for (let k = 0; k < width; k++) this.X[i * width + k] = X[row * width + k];
      this.y[i] = y[row];
    }
  }

  /** Take one step, unless the network has flown apart; say whether it still stands. */
  step() {
    if (this.apart) return false;
    const { network, room, batch, state } = this;
    this.deal();
    const z = network.forward(this.X, batch, room);
    let loss = lossOf(this.loss, z, this.y, batch, room.D[room.D.length - 1]);
    network.backward(this.X, batch, room);
    loss += penalise(state.reg, state.rate, network.theta, network.gradient);
    this.optimiser.step(network.theta, network.gradient);
    this.steps += 1;
    this.apart = !(loss < FAR);
    if (this.apart || this.steps % this.every === 0) this.note();
    return !this.apart;
  }

  /**
   * Take up to `count` steps; return how many were taken.
   * @param {number} count
   */
  run(count) {
    const before = this.steps;
    while (this.steps - before < count && this.step());
    return this.steps - before;
  }

  /**
   * Return loss (without the penalty) and score on the training or the test examples.
   * @param {"train" | "test"} part
   * @returns {Measured}
   */
  measure(part) {
    const { X, y } = this.arrays[part];
    const z = this.network.forward(X, y.length, this.room);
    const loss = lossOf(this.loss, z, y, y.length);
    if (this.kind === "number") return { loss, score: 1 - loss / variance(y) };
    let right = 0;
    for (let i = 0; i < y.length; i++) right += Number(z[i] > 0 === y[i] > 0.5);
    return { loss, score: right / y.length };
  }

  /** Add this moment to the history, which thins itself. */
  note() {
    this.history.push(this.now());
    if (this.history.length > MOMENTS) {
      this.history = this.history.filter((_, i) => i % 2 === 0);
      this.every *= 2;
    }
  }

  /** @returns {Moment} */
  now() {
    return { step: this.steps, train: this.measure("train"), test: this.measure("test") };
  }

  /**
   * Return what is read off the output's sum: a probability, or the number itself.
   * @param {number} z
   */
  answer(z) {
    return this.kind === "number" ? z : sigmoid(z);
  }
}

/** @param {Float32Array} y */
function variance(y) {
  const mean = y.reduce((sum, value) => sum + value, 0) / y.length;
  return y.reduce((sum, value) => sum + (value - mean) ** 2, 0) / y.length;
}
