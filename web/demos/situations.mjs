/** The prepared situations of the playground, by name and by state. */

import { formatState, parseState } from "./state.mjs";
import LISTED from "./playground.json" with { type: "json" };

/** Each with its state as an address holds it. */
export const SITUATIONS = LISTED.map((s) => ({ ...s, text: formatState(parseState(s.state).state) }));

/** @param {string} name */
export const situationNamed = (name) => SITUATIONS.find((s) => s.name === name);

/** @param {import("./state.mjs").State} state */
export const situationOf = (state) => SITUATIONS.find((s) => s.text === formatState(state));
