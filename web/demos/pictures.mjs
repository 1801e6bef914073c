/** All pictures of the playground, drawn from a trainer: the plane, the network, the loss, the data. */

import { makeData, toArrays } from "./data.mjs";
import { drawCurves, drawNetwork, plan, unitAt } from "./diagrams.mjs";
import { Tile, drawBorder, drawPoints, gridPlaces, readColours, sized } from "./paint.mjs";
import { makeRandom } from "./random.mjs";
import W from "./strings.json" with { type: "json" };

/** @typedef {import("./trainer.mjs").Trainer} Trainer */
/** @typedef {{layer: number, unit: number}} Chosen */

const PLACES = gridPlaces();

/** Draws into the canvases of a view. */
export class Pictures {
  /** @param {HTMLElement} view */
  constructor(view) {
    this.view = view;
    const canvas = (/** @type {string} */ name) =>
      /** @type {HTMLCanvasElement} */ (view.querySelector(`canvas.${name}`));
    this.canvases = { plane: canvas("plane"), network: canvas("network"), curves: canvas("curves") };
    this.colours = readColours(view);
    /** @type {Chosen} */
    this.chosen = { layer: 1, unit: 0 };
    this.wasAnswer = true; // then the plane shows the answer of the next network, too
    /** @type {Tile[][]} */
    this.tiles = [];
    this.side = 0;
    this.net = this.wide = [0, 0];
    this.fit();
  }

  /**
   * Make room for the pictures of another network.
   * @param {Trainer} trainer
   */
  use(trainer) {
    const { sizes } = trainer.network;
    this.grid = toArrays(PLACES, trainer.state.features).X;
    this.room = trainer.network.room(PLACES.length);
    this.tiles = sizes.map((units) => Array.from({ length: units }, () => new Tile()));
    const { layer, unit } = this.chosen;
    const gone = layer >= sizes.length - 1 || unit >= sizes[layer];
    if (gone || this.wasAnswer) this.choose({ layer: sizes.length - 1, unit: 0 }, sizes);
  }

  /**
   * Let the plane show a unit.
   * @param {Chosen} chosen
   * @param {number[]} sizes
   */
  choose(chosen, sizes) {
    this.chosen = chosen;
    this.wasAnswer = chosen.layer === sizes.length - 1;
  }

  /**
   * Return what a unit says at place i, from -1 to 1, and the sum that it comes from.
   * @param {Trainer} trainer
   * @param {Chosen} which
   */
  valueOf(trainer, { layer, unit }) {
    const { sizes } = trainer.network;
    const room = /** @type {import("./nn.mjs").Workspace} */ (this.room);
    const units = sizes[layer];
    if (layer === sizes.length - 1) {
      const sums = room.Z[layer - 1];
      const value = (/** @type {number} */ i) =>
        trainer.kind === "number" ? sums[i] / 2 : 2 * trainer.answer(sums[i]) - 1;
      return { value, sum: (/** @type {number} */ i) => sums[i] };
    }
    const all = layer ? room.H[layer - 1] : /** @type {Float32Array} */ (this.grid);
    const sums = layer ? room.Z[layer - 1] : all;
    const halved = layer > 0 && ["sigmoid", "step"].includes(trainer.state.act);
    let most = 1e-6;
    for (let i = unit; i < all.length; i += units) most = Math.max(most, Math.abs(all[i]));
    return {
      value: (/** @type {number} */ i) => (halved ? 2 * all[i * units + unit] - 1 : all[i * units + unit] / most),
      sum: (/** @type {number} */ i) => sums[i * units + unit],
    };
  }

  /** Note how large the pictures are, which is slow to ask at each of them. */
  fit() {
    const { plane, network, curves } = this.canvases;
    this.side = plane.clientWidth;
    this.net = [network.clientWidth, network.clientHeight];
    this.wide = [curves.clientWidth, curves.clientHeight];
  }

  /**
   * Draw the plane, and of the slower pictures the network, the curves or both.
   * @param {Trainer} trainer
   * @param {boolean} test show the test points as well
   * @param {"network" | "curves" | "both"} which
   */
  draw(trainer, test, which) {
    const { network } = trainer;
    const room = /** @type {import("./nn.mjs").Workspace} */ (this.room);
    network.forward(/** @type {Float32Array} */ (this.grid), PLACES.length, room);
    this.tiles.forEach((tiles, layer) =>
      tiles.forEach((tile, unit) => tile.fill(this.valueOf(trainer, { layer, unit }).value)),
    );
    this.drawPlane(trainer, test);
    if (which !== "curves") this.drawNet(trainer);
    const [width, height] = this.wide;
    if (which === "network" || !width) return;
    const context = sized(this.canvases.curves, width, height);
    drawCurves(context, trainer.history, width, height, W.curves, this.colours);
  }

  /** @param {Trainer} trainer @param {boolean} test */
  drawPlane(trainer, test) {
    const { side } = this;
    if (!side) return;
    const context = sized(this.canvases.plane, side, side);
    const { layer, unit } = this.chosen;
    context.drawImage(this.tiles[layer][unit].canvas, 0, 0, side, side);
    const isAnswer = layer === trainer.network.sizes.length - 1;
    if (layer && (trainer.kind === "class" || !isAnswer)) {
      drawBorder(context, this.valueOf(trainer, this.chosen).sum, side, this.colours.text);
    }
    const middle = trainer.kind === "class" ? 0.5 : 0;
    if (test) drawPoints(context, trainer.parts.test, side, middle, this.colours, true);
    drawPoints(context, trainer.parts.train, side, middle, this.colours, false);
    context.font = "italic 13px Georgia, serif";
    context.lineWidth = 3;
    context.strokeStyle = this.colours.paper;
    context.fillStyle = this.colours.text;
    for (const [text, x, y] of /** @type {const} */ ([["x₁ →", side - 30, side - 7], ["x₂ ↑", 6, 16]])) {
      context.strokeText(text, x, y);
      context.fillText(text, x, y);
    }
  }

  /** @param {Trainer} trainer */
  drawNet(trainer) {
    const [width, height] = this.net;
    if (!width) return;
    const pictures = this.tiles.map((tiles) => tiles.map((tile) => tile.canvas));
    const names = trainer.state.features.map((name) => /** @type {any} */ (W.features)[name]);
    this.plan = plan(trainer.network.sizes, width, height);
    drawNetwork(sized(this.canvases.network, width, height), this.plan, trainer.network, pictures, names, this.chosen, this.colours);
  }

  /**
   * Return the unit under the pointer.
   * @param {MouseEvent} event
   */
  under(event) {
    const box = this.canvases.network.getBoundingClientRect();
    return this.plan && unitAt(this.plan, event.clientX - box.left, event.clientY - box.top);
  }

  /** Paint the small pictures among which the data are chosen. */
  drawChoices() {
    for (const canvas of /** @type {NodeListOf<HTMLCanvasElement>} */ (this.view.querySelectorAll(".pick canvas"))) {
      const side = canvas.clientWidth;
      if (!side) continue;
      const name = canvas.dataset.name || "";
      const rows = makeData(name, 0, makeRandom(7932)).slice(0, 150);
      const middle = name === "plane" || name === "product" ? 0 : 0.5;
      drawPoints(sized(canvas, side, side), rows, side, middle, { ...this.colours, paper: "transparent" }, false);
    }
  }

  /** Take up the page's colours, which may have changed. */
  recolour() {
    this.colours = readColours(this.view);
    this.drawChoices();
  }
}

