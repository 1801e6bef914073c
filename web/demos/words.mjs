/** What the playground says of its training in numbers and sentences. */

import { fill, make } from "./controls.mjs";
import { BLUE, ORANGE } from "./paint.mjs";
import W from "./strings.json" with { type: "json" };

/** @typedef {import("./trainer.mjs").Trainer} Trainer */

/** @param {number} value */
const short = (value) => (value >= 100 ? value.toPrecision(3) : value.toFixed(3));

/** @param {number} score */
const percent = (score) => Math.max(0, Math.round(100 * score)) || 0;

/** @param {HTMLElement} view @param {string} selector @returns {any} */
const find = (view, selector) => view.querySelector(selector);

/**
 * Write step, losses and scores.
 * @param {HTMLElement} view
 * @param {Trainer} trainer
 */
export function writeNumbers(view, trainer) {
  const { step, train, test } = trainer.now();
  const what = trainer.kind === "class" ? W.numbers.right : W.numbers.explained;
  const outputs = view.querySelectorAll(".number output");
  find(view, ".count").textContent = fill(W.numbers.step, { step: step.toLocaleString("en") });
  [train, test].forEach((part, i) => {
    outputs[2 * i].textContent = `${W.numbers.loss} ${short(part.loss)}`;
    outputs[2 * i + 1].textContent = `${percent(part.score)} % ${what}`;
  });
}

/**
 * Say, for those who do not see the pictures, where training stands and what they show.
 * @param {HTMLElement} view
 * @param {Trainer} trainer
 */
export function tell(view, trainer) {
  const { step, train, test } = trainer.now();
  const values = { step, trainLoss: short(train.loss), testLoss: short(test.loss) };
  const score = fill(W.score[trainer.kind], { value: percent(test.score) });
  const what = find(view, "[name=shows]").selectedOptions[0]?.textContent || W.shows.answer;
  const sizes = trainer.network.sizes.join(", ");
  find(view, ".ear").textContent = fill(W.status, { ...values, score });
  find(view, ".plane").setAttribute("aria-label", fill(W.surface, { what, score }));
  find(view, ".network").setAttribute("aria-label", fill(W.drawing, { sizes }));
  find(view, ".curves").setAttribute("aria-label", fill(W.history, values));
}

/**
 * List all weights, where the reader has opened their place.
 * @param {HTMLElement} view
 * @param {Trainer} trainer
 */
export function writeWeights(view, { network }) {
  if (!find(view, "details").open) return;
  const parts = network.W.flatMap((weights, l) => {
    const inputs = network.sizes[l];
    const rows = Array.from(network.b[l], (bias, j) =>
      [...weights.slice(j * inputs, (j + 1) * inputs), bias].map((w) => w.toFixed(2).padStart(7)).join(""),
    );
    const name = fill(W.layerWeights, { layer: l + 1 });
    return [make("p", {}, name), make("pre", { tabindex: 0, "aria-label": name, role: "group" }, rows.join("\n"))];
  });
  find(view, ".weights").replaceChildren(...parts);
}

/**
 * Say what the marks on the plane mean.
 * @param {HTMLElement} view
 * @param {"class" | "number"} kind
 */
export function writeLegend(view, kind) {
  const mark = (/** @type {string} */ sign, /** @type {string} */ colour, /** @type {string} */ text) =>
    make("span", {}, make("i", { style: `color: ${colour}`, "aria-hidden": "true" }, sign), text);
  const isClass = kind === "class";
  find(view, ".legend").replaceChildren(
    mark("●", BLUE, isClass ? W.legend.yes : W.legend.high),
    mark("✕", ORANGE, isClass ? W.legend.no : W.legend.low),
    ...(isClass ? [mark("—", "inherit", W.legend.border)] : []),
  );
}

/**
 * Return a choice for each unit that the plane can show, the answer first.
 * @param {number[]} sizes
 */
export function unitOptions(sizes) {
  const hidden = sizes.slice(1, -1).flatMap((count, l) =>
    Array.from({ length: count }, (_, u) => {
      const name = fill(W.shows.unit, { layer: l + 1, unit: u + 1 });
      return make("option", { value: `${l + 1}.${u}` }, name);
    }),
  );
  return [make("option", { value: `${sizes.length - 1}.0` }, W.shows.answer), ...hidden];
}
