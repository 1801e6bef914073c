/**
 * Dense layers that learn: forward, backward, three optimisers. Nothing else is needed to train.
 *
 * Shapes are row by row: inputs (batch, features), a weight (outputs, inputs) as in torch's
 * nn.Linear, everything in single precision; sums are added up in double. Formulas: lessons 01 to
 * 03b of the book.
 */

/** @typedef {{f: (z: number) => number, slope: (z: number, h: number) => number}} Activation */
/** @typedef {"squares" | "log" | "brier"} LossName */
/** @typedef {"sgd" | "momentum" | "adam"} OptimiserName */
/** @typedef {"none" | "l1" | "l2"} PenaltyName */
/** @typedef {{Z: Float32Array[], H: Float32Array[], D: Float32Array[], rows: number}} Workspace */

const POWERS = Float64Array.from({ length: 2047 }, (_, i) => 2 ** (i - 1023));

/**
 * Return e to the power z within a few 1e-10 of itself, several times faster than Math.exp: z is
 * k ln 2 and a rest, for which Taylor's first nine terms do. Beyond ±700 it stays where it is.
 * @param {number} z
 */
export function exp(z) {
  const near = z > 700 ? 700 : z < -700 ? -700 : z;
  const k = Math.round(near * Math.LOG2E);
  const r = near - k * Math.LN2;
  const tail = 1 + r * (1 / 5 + r * (1 / 30 + r * (1 / 210 + r / 1680)));
  return POWERS[k + 1023] * (1 + r * (1 + r * (1 / 2 + r * (1 / 6 + (r / 24) * tail))));
}

/** @param {number} z */
export const sigmoid = (z) => 1 / (1 + exp(-z));

/** @param {number} z */
const softplus = (z) => (z > 0 ? z : 0) + Math.log1p(exp(z > 0 ? -z : z));

/**
 * Each activation with its slope, of the sum `z` and the answer `h`.
 * @type {Record<string, Activation>}
 */
export const ACTIVATIONS = {
  linear: { f: (z) => z, slope: () => 1 },
  step: { f: (z) => (z > 0 ? 1 : 0), slope: () => 0 },
  sigmoid: { f: sigmoid, slope: (_, h) => h * (1 - h) },
  tanh: { f: (z) => 1 - 2 / (exp(2 * z) + 1), slope: (_, h) => 1 - h * h },
  relu: { f: (z) => (z > 0 ? z : 0), slope: (z) => (z > 0 ? 1 : 0) },
  softplus: { f: softplus, slope: sigmoid },
  square: { f: (z) => z * z, slope: (z) => 2 * z },
};

/** A network with one output. */
export class Network {
  /**
   * @param {number[]} sizes units of each layer, inputs first and the one output last
   * @param {string} activation of the hidden layers; the output is a plain sum
   */
  constructor(sizes, activation) {
    this.sizes = sizes;
    this.activation = ACTIVATIONS[activation];
    let count = 0;
    for (let l = 1; l < sizes.length; l++) count += (sizes[l - 1] + 1) * sizes[l];
    /** All parameters in a row: weight, bias, weight, bias, … */
    this.theta = new Float32Array(count);
    this.gradient = new Float32Array(count);
    this.W = this.views(this.theta, 0);
    this.b = this.views(this.theta, 1);
    this.dW = this.views(this.gradient, 0);
    this.db = this.views(this.gradient, 1);
  }

  /**
   * Return the parts of `all` that are weights (`which` 0) or biases (1), one a layer.
   * @param {Float32Array} all
   * @param {0 | 1} which
   */
  views(all, which) {
    const parts = [];
    for (let l = 1, at = 0; l < this.sizes.length; l++) {
      const weights = this.sizes[l - 1] * this.sizes[l];
      const end = at + weights + this.sizes[l];
      parts.push(which ? all.subarray(at + weights, end) : all.subarray(at, at + weights));
      at = end;
    }
    return parts;
  }

  /**
   * Draw all parameters between plus and minus one over the root of the inputs, as torch does.
   * @param {() => number} random
   */
  start(random) {
    for (let l = 0; l < this.W.length; l++) {
      const most = 1 / Math.sqrt(this.sizes[l]);
      for (const part of [this.W[l], this.b[l]]) {
        for (let i = 0; i < part.length; i++) part[i] = most * (2 * random() - 1);
      }
    }
  }

  /**
   * Return room for sums, answers and blame of up to `rows` examples.
   * @param {number} rows
   * @returns {Workspace}
   */
  room(rows) {
    const make = () => this.sizes.slice(1).map((units) => new Float32Array(rows * units));
    return { Z: make(), H: make(), D: make(), rows };
  }

  /**
   * Answer for `rows` examples: fill `Z` and `H` of `room`, and return the sums of the output.
   * @param {Float32Array} X (rows, features)
   * @param {number} rows
   * @param {Workspace} room
   */
  forward(X, rows, room) {
    const last = this.W.length - 1;
    let input = X;
    for (let l = 0; l <= last; l++) {
      const [inputs, units, W, b] = [this.sizes[l], this.sizes[l + 1], this.W[l], this.b[l]];
      const [Z, H, f] = [room.Z[l], room.H[l], this.activation.f];
      for (let j = 0; j < units; j++) {
        const [weights, bias] = [j * inputs, b[j]];
        for (let i = 0, row = 0, at = j; i < rows; i++, row += inputs, at += units) {
          let sum = bias;
          for (let k = 0; k < inputs; k++) sum += input[row + k] * W[weights + k];
          Z[at] = sum;
        }
      }
      if (l < last) for (let i = 0; i < rows * units; i++) H[i] = f(Z[i]);
      input = H;
    }
    return room.Z[last];
  }

  /**
   * Fill `gradient`, from the blame of the output in the last of `room.D`.
   * @param {Float32Array} X (rows, features)
   * @param {number} rows
   * @param {Workspace} room
   */
  backward(X, rows, room) {
    for (let l = this.W.length - 1; l >= 0; l--) {
      const [inputs, units, D] = [this.sizes[l], this.sizes[l + 1], room.D[l]];
      const [input, dW, db] = [l ? room.H[l - 1] : X, this.dW[l], this.db[l]];
      for (let j = 0; j < units; j++) {
        let bias = 0;
        for (let i = 0; i < rows; i++) bias += D[i * units + j];
        db[j] = bias;
        for (let k = 0; k < inputs; k++) {
          let sum = 0;
          for (let i = 0; i < rows; i++) sum += D[i * units + j] * input[i * inputs + k];
          dW[j * inputs + k] = sum;
        }
      }
      if (l) this.passBack(l, rows, room);
    }
  }

  /**
   * Give the units before layer `l` their share of its blame, times their slope.
   * @param {number} l
   * @param {number} rows
   * @param {Workspace} room
   */
  passBack(l, rows, room) {
    const [inputs, units, W, slope] = [this.sizes[l], this.sizes[l + 1], this.W[l], this.activation.slope];
    const [D, before, Z, H] = [room.D[l], room.D[l - 1], room.Z[l - 1], room.H[l - 1]];
    for (let i = 0; i < rows; i++) {
      for (let k = 0; k < inputs; k++) {
        let sum = 0;
        for (let j = 0; j < units; j++) sum += D[i * units + j] * W[j * inputs + k];
        const at = i * inputs + k;
        before[at] = sum * slope(Z[at], H[at]);
      }
    }
  }
}

/**
 * Return the mean loss of the output's sums `z`; write its slopes by them into `blame`, if given.
 *
 * squares: the sum is the answer, (z - y)². log: logistic regression, y is 0 or 1. brier: the
 * squares of the sigmoid of z against y.
 * @param {LossName} name
 * @param {Float32Array} z
 * @param {Float32Array} y
 * @param {number} rows
 * @param {Float32Array} [blame]
 */
export function lossOf(name, z, y, rows, blame) {
  let total = 0;
  for (let i = 0; i < rows; i++) {
    const p = name === "squares" ? z[i] : sigmoid(z[i]);
    const off = p - y[i]; // the blame of the log loss as well
    if (name === "log") {
      total += softplus(z[i]) - z[i] * y[i];
    } else {
      total += off * off;
    }
    if (blame) {
      const slope = name === "log" ? off : name === "squares" ? 2 * off : 2 * off * p * (1 - p);
      blame[i] = slope / rows;
    }
  }
  return total / rows;
}

/**
 * Return what the weights cost and add its slopes to `gradient`: rate · sum |θ| for l1, rate / 2 ·
 * sum θ² for l2. Biases pay too, as under torch's weight_decay.
 * @param {PenaltyName} name
 * @param {number} rate
 * @param {Float32Array} theta
 * @param {Float32Array} gradient
 */
export function penalise(name, rate, theta, gradient) {
  if (name === "none" || rate === 0) return 0;
  let total = 0;
  for (let i = 0; i < theta.length; i++) {
    total += name === "l1" ? Math.abs(theta[i]) : (theta[i] * theta[i]) / 2;
    gradient[i] += rate * (name === "l1" ? Math.sign(theta[i]) : theta[i]);
  }
  return rate * total;
}

const BETA = 0.9; // of momentum, and Adam's first
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** One of the three rules, with what it remembers. */
export class Optimiser {
  /**
   * @param {OptimiserName} name
   * @param {number} lr
   * @param {number} count of parameters
   */
  constructor(name, lr, count) {
    this.name = name;
    this.lr = lr;
    this.steps = 0;
    this.m = new Float32Array(name === "sgd" ? 0 : count);
    this.s = new Float32Array(name === "adam" ? count : 0);
  }

  /**
   * Change `theta` by one step.
   * @param {Float32Array} theta
   * @param {Float32Array} g
   */
  step(theta, g) {
    this.steps += 1;
    const { lr, m, s } = this;
    if (this.name === "sgd") {
      for (let i = 0; i < theta.length; i++) theta[i] -= lr * g[i];
    } else if (this.name === "momentum") {
      for (let i = 0; i < theta.length; i++) {
        m[i] = BETA * m[i] + g[i];
        theta[i] -= lr * m[i];
      }
    } else {
      const first = 1 - BETA ** this.steps;
      const second = 1 - BETA2 ** this.steps;
      for (let i = 0; i < theta.length; i++) {
        m[i] = BETA * m[i] + (1 - BETA) * g[i];
        s[i] = BETA2 * s[i] + (1 - BETA2) * g[i] * g[i];
        theta[i] -= (lr * m[i]) / first / (Math.sqrt(s[i] / second) + EPSILON);
      }
    }
  }
}
