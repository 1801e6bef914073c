/** The network as a diagram, and the loss as curves. */

import { BLUE, ORANGE } from "./paint.mjs";

/** @typedef {import("./paint.mjs").Colours} Colours */
/** @typedef {{x: number, y: number, layer: number, unit: number}} Spot of a unit, its middle */
/** @typedef {{spots: Spot[][], size: number, width: number, height: number}} Plan */

const LABELS = 34; // pixels left of the inputs

/**
 * Return where each unit stands: column by column, inputs first, the output last.
 * @param {number[]} sizes
 * @param {number} width
 * @param {number} height
 * @returns {Plan}
 */
export function plan(sizes, width, height) {
  const most = Math.max(...sizes);
  const column = (width - LABELS) / sizes.length;
  const size = Math.min(42, height / most - 5, 0.62 * column);
  const spots = sizes.map((units, layer) => {
    const gap = Math.min(height / most, size + 22);
    const x = LABELS + size / 2 + layer * ((width - LABELS - size - 4) / (sizes.length - 1));
    return Array.from({ length: units }, (_, unit) => ({
      x,
      y: height / 2 + (unit - (units - 1) / 2) * gap,
      layer,
      unit,
    }));
  });
  return { spots, size, width, height };
}

/**
 * Return the unit at a place of the diagram, if there is one.
 * @param {Plan} where
 * @param {number} x
 * @param {number} y
 */
export function unitAt(where, x, y) {
  const reach = where.size / 2 + 2;
  return where.spots.flat().find((s) => Math.abs(s.x - x) <= reach && Math.abs(s.y - y) <= reach);
}

/**
 * Draw the weights as lines, wide for large ones, orange and dashed below zero; then the units.
 * @param {CanvasRenderingContext2D} context
 * @param {Plan} where
 * @param {import("./nn.mjs").Network} network
 * @param {HTMLCanvasElement[][]} pictures of each unit
 * @param {string[]} names of the inputs
 * @param {{layer: number, unit: number}} chosen unit that the plane shows
 * @param {Colours} colours
 */
export function drawNetwork(context, where, network, pictures, names, chosen, colours) {
  const half = where.size / 2;
  network.W.forEach((W, l) => {
    const inputs = network.sizes[l];
    for (const to of where.spots[l + 1]) {
      for (const from of where.spots[l]) {
        drawWeight(context, W[to.unit * inputs + from.unit], from.x + half, from.y, to.x - half, to.y);
      }
    }
  });
  context.setLineDash([]);
  for (const spot of where.spots.flat()) {
    const [x, y] = [spot.x - half, spot.y - half];
    const isChosen = spot.layer === chosen.layer && spot.unit === chosen.unit;
    context.fillStyle = colours.paper;
    context.fillRect(x, y, where.size, where.size);
    context.drawImage(pictures[spot.layer][spot.unit], x, y, where.size, where.size);
    context.strokeStyle = isChosen ? colours.text : colours.muted;
    context.lineWidth = isChosen ? 2.4 : 1;
    context.strokeRect(x, y, where.size, where.size);
  }
  context.fillStyle = colours.text;
  context.font = "13px system-ui, sans-serif";
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const spot of where.spots[0]) {
    context.fillText(names[spot.unit], spot.x - half - 5, spot.y, LABELS + 8);
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} weight
 * @param {number} x0
 * @param {number} y0
 * @param {number} x1
 * @param {number} y1
 */
function drawWeight(context, weight, x0, y0, x1, y1) {
  const size = Math.abs(weight);
  if (!(size > 0.02)) return; // nothing to see, or not a number
  const strength = Math.tanh(size / 2.5);
  const middle = (x0 + x1) / 2;
  context.beginPath();
  context.moveTo(x0, y0);
  context.bezierCurveTo(middle, y0, middle, y1, x1, y1);
  context.strokeStyle = weight > 0 ? BLUE : ORANGE;
  context.globalAlpha = 0.35 + 0.6 * strength;
  context.lineWidth = 0.6 + 5 * strength;
  context.setLineDash(weight > 0 ? [] : [6, 4]);
  context.stroke();
  context.globalAlpha = 1;
}

/** @typedef {{loss: string, steps: string, train: string, test: string}} CurveNames */

/**
 * Draw the loss on training and test examples over the steps.
 * @param {CanvasRenderingContext2D} context
 * @param {import("./trainer.mjs").Moment[]} history
 * @param {number} width
 * @param {number} height
 * @param {CurveNames} names
 * @param {Colours} colours
 */
export function drawCurves(context, history, width, height, names, colours) {
  const [left, right, top, bottom] = [40, 82, 8, 22];
  const last = Math.max(1, history[history.length - 1].step);
  const losses = history.flatMap((m) => [m.train.loss, m.test.loss]).filter(Number.isFinite);
  const most = niceAbove(Math.min(Math.max(...losses, 1e-6), 20 * (losses[0] || 1)));
  const x = (/** @type {number} */ step) => left + (step / last) * (width - left - right);
  const y = (/** @type {number} */ loss) => top + (1 - Math.min(loss / most, 1.04)) * (height - top - bottom);
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = colours.muted;
  context.strokeStyle = colours.line;
  context.lineWidth = 1;
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const part of [0, 0.5, 1]) {
    const level = Math.round(y(part * most)) + 0.5;
    context.beginPath();
    context.moveTo(left, level);
    context.lineTo(width - right, level);
    context.stroke();
    context.fillText(String(Number((part * most).toPrecision(2))), left - 6, level);
  }
  context.textBaseline = "alphabetic";
  context.fillText(`${last.toLocaleString("en")} ${names.steps}`, width - right, height - 5);
  context.textAlign = "left";
  context.fillText(names.loss, left, height - 5);
  drawCurve(context, history.map((m) => [x(m.step), y(m.train.loss)]), BLUE, []);
  drawCurve(context, history.map((m) => [x(m.step), y(m.test.loss)]), ORANGE, [5, 4]);
  labelEnds(context, history, width - right + 7, y, names, colours);
}

/**
 * Write what each curve is at its end, and keep the two apart.
 * @param {CanvasRenderingContext2D} context
 * @param {import("./trainer.mjs").Moment[]} history
 * @param {number} x
 * @param {(loss: number) => number} y
 * @param {CurveNames} names
 * @param {Colours} colours
 */
function labelEnds(context, history, x, y, names, colours) {
  const end = history[history.length - 1];
  let [train, test] = [y(end.train.loss), y(end.test.loss)].map((v) => (isFinite(v) ? v : y(0)));
  const apart = 8 - Math.abs(train - test) / 2;
  if (apart > 0) {
    const up = train > test ? 1 : -1;
    [train, test] = [train + up * apart, test - up * apart];
  }
  const push = Math.min(0, y(0) + 4 - Math.max(train, test)) + Math.max(0, 8 - Math.min(train, test));
  context.textBaseline = "middle";
  context.fillStyle = colours.text;
  context.fillText(names.train, x + 21, train + push);
  context.fillText(names.test, x + 21, test + push);
  drawCurve(context, [[x, train + push], [x + 16, train + push]], BLUE, []);
  drawCurve(context, [[x, test + push], [x + 16, test + push]], ORANGE, [5, 4]);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number[][]} points
 * @param {string} colour
 * @param {number[]} dash
 */
function drawCurve(context, points, colour, dash) {
  context.beginPath();
  for (const [x, y] of points) if (isFinite(y)) context.lineTo(x, y);
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.lineJoin = "round";
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
}

/**
 * Return the next of 1, 2, 5, 10, … times a power of ten, not below `value`.
 * @param {number} value
 */
export function niceAbove(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  const first = [1, 2, 5, 10].find((n) => n * power >= value * 0.999);
  return (first || 10) * power;
}
