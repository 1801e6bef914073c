/** Colours and the plane: orange for no, blue for yes, nothing where the network is unsure. */

import { EDGE } from "./data.mjs";

export const BLUE = "#2f7fc4"; // as in deepcourse.plot: colour-blind-safe, legible on light and dark
export const ORANGE = "#d9620f";
export const VIEW = EDGE + 0.4; // the plane is drawn from -VIEW to VIEW
export const GRID = 48; // places across it at which the network answers

/** @typedef {{text: string, muted: string, line: string, paper: string}} Colours */

const LEVELS = 255;
const MOST = 0.6; // how opaque a sure answer is
/** One pixel for each answer from -1 to 1, as a little-endian machine keeps red, green, blue, alpha. */
const PIXELS = Uint32Array.from({ length: LEVELS + 1 }, (_, i) => {
  const value = (2 * i) / LEVELS - 1;
  const [r, g, b] = value < 0 ? [217, 98, 15] : [47, 127, 196];
  const alpha = Math.round(255 * MOST * Math.abs(value) ** 0.8);
  return ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0;
});

/**
 * Read the page's colours where `host` stands.
 * @param {Element} host
 * @returns {Colours}
 */
export function readColours(host) {
  const style = getComputedStyle(host);
  const named = (/** @type {string} */ name, /** @type {string} */ other) =>
    style.getPropertyValue(name).trim() || other;
  return {
    text: named("--pst-color-text-base", "#23292e"),
    muted: named("--pst-color-text-muted", "#59636a"),
    line: named("--pst-color-border", "#e2dccf"),
    paper: named("--pst-color-background", "#fffdf9"),
  };
}

/** The places of the plane at which a network answers, row by row from the top. */
export function gridPlaces() {
  const places = [];
  for (let row = 0; row < GRID; row++) {
    for (let column = 0; column < GRID; column++) {
      const at = (/** @type {number} */ i) => VIEW * ((2 * (i + 0.5)) / GRID - 1);
      places.push(/** @type {[number, number, number]} */ ([at(column), -at(row), 0]));
    }
  }
  return places;
}

/** A small picture of GRID by GRID answers, to be drawn at any size. */
export class Tile {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.canvas.width = this.canvas.height = GRID;
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    this.image = this.context.createImageData(GRID, GRID);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  /**
   * Fill the picture; anything that is not a number stays empty.
   * @param {(i: number) => number} value of place i, from -1 (no) to 1 (yes)
   */
  fill(value) {
    for (let i = 0; i < this.pixels.length; i++) {
      const v = value(i);
      const level = v > 1 ? 1 : v < -1 ? -1 : v;
      this.pixels[i] = level === level ? PIXELS[Math.round(((level + 1) / 2) * LEVELS)] : 0;
    }
    this.context.putImageData(this.image, 0, 0);
  }
}

/**
 * Prepare a canvas for a size in CSS pixels; returns its context, cleared and scaled.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 */
export function sized(canvas, width, height) {
  const sharp = Math.min(devicePixelRatio || 1, 2);
  const [w, h] = [Math.round(width * sharp), Math.round(height * sharp)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(sharp, 0, 0, sharp, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/**
 * Draw the line on which `value` is zero, through the squares of the grid.
 * @param {CanvasRenderingContext2D} context
 * @param {(i: number) => number} value
 * @param {number} side of the plane, in pixels
 * @param {string} colour
 */
export function drawBorder(context, value, side, colour) {
  const cell = side / GRID;
  context.beginPath();
  for (let row = 0; row + 1 < GRID; row++) {
    for (let column = 0; column + 1 < GRID; column++) {
      const i = row * GRID + column;
      const corners = [value(i), value(i + 1), value(i + GRID + 1), value(i + GRID)];
      const cuts = crossings(corners);
      for (let k = 0; k + 1 < cuts.length; k += 2) {
        for (const [step, cut] of cuts.slice(k, k + 2).entries()) {
          const [x, y] = [(column + 0.5 + cut[0]) * cell, (row + 0.5 + cut[1]) * cell];
          if (step) context.lineTo(x, y);
          else context.moveTo(x, y);
        }
      }
    }
  }
  context.strokeStyle = colour;
  context.lineWidth = 1.6;
  context.stroke();
}

const CORNERS = [[0, 0], [1, 0], [1, 1], [0, 1]];

/**
 * Return where zero is crossed on the sides of a unit square with these values at its corners.
 * @param {number[]} corners clockwise from the upper left
 */
function crossings(corners) {
  const cuts = [];
  for (let k = 0; k < 4; k++) {
    const [here, there] = [corners[k], corners[(k + 1) % 4]];
    if (here > 0 === there > 0 || !isFinite(here - there)) continue;
    const t = here / (here - there);
    const [a, b] = [CORNERS[k], CORNERS[(k + 1) % 4]];
    cuts.push([a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]);
  }
  return cuts;
}

/**
 * Draw examples: blue dots for yes, orange crosses for no; hollow and thin when they are `pale`.
 * @param {CanvasRenderingContext2D} context
 * @param {[number, number, number][]} rows
 * @param {number} side of the plane, in pixels
 * @param {number} middle answers above it are drawn as yes
 * @param {Colours} colours
 * @param {boolean} pale
 */
export function drawPoints(context, rows, side, middle, colours, pale) {
  const place = (/** @type {number} */ v) => ((v / VIEW + 1) / 2) * side;
  const size = Math.max(2.2, side / 110);
  const [dots, crosses] = [new Path2D(), new Path2D()]; // all at once, since each stroke costs
  for (const [a, b, y] of rows) {
    const [x, up] = [place(a), place(-b)];
    if (y > middle) {
      dots.moveTo(x + size, up);
      dots.arc(x, up, size, 0, 2 * Math.PI);
    } else {
      for (const turn of [1, -1]) {
        crosses.moveTo(x - size, up - turn * size);
        crosses.lineTo(x + size, up + turn * size);
      }
    }
  }
  for (const [marks, colour, rim] of /** @type {const} */ ([[crosses, ORANGE, 3.8], [dots, BLUE, 2.2]])) {
    context.strokeStyle = colours.paper;
    context.lineWidth = rim; // it sets the mark off its ground
    context.stroke(marks);
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = pale ? 1.1 : 1.9;
    if (marks === dots && !pale) context.fill(marks);
    else context.stroke(marks);
  }
}
