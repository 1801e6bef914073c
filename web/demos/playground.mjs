/** The playground: a network that trains in the page. What it does when; its looks are elsewhere. */

import { fill, make, makeView, readState, showState } from "./controls.mjs";
import { Pictures } from "./pictures.mjs";
import { SITUATIONS, situationNamed, situationOf } from "./situations.mjs";
import { LEARNING_RATES, formatState, parseState } from "./state.mjs";
import { STYLE } from "./style.mjs";
import { Trainer } from "./trainer.mjs";
import { tell, unitOptions, writeLegend, writeNumbers, writeWeights } from "./words.mjs";
import W from "./strings.json" with { type: "json" };

/** @typedef {import("./state.mjs").State} State */
/** @typedef {import("./state.mjs").Problem} Problem */

const BUSY = 13; // milliseconds of training between two pictures, at full speed
const CALM = 1000; // milliseconds between two pictures where the reader wants little motion
const TELL = 10000; // milliseconds between two sentences for the screen reader

/** One playground in the page. */
export class Playground {
  /**
   * @param {HTMLElement} host
   * @param {import("./course-demo.mjs").Options} options
   */
  constructor(host, options) {
    this.host = host;
    this.page = options.page;
    this.view = makeView(SITUATIONS);
    const root = host.attachShadow({ mode: "open" });
    root.append(make("style", {}, STYLE), this.view);
    this.pictures = new Pictures(this.view);
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.playing = false;
    this.visible = true;
    this.frames = 0;
    this.drawn = this.told = 0;
    /** @type {{title: string, says: string} | undefined} */
    this.situation = undefined;
    this.state = parseState("").state;
    this.trainer = new Trainer(this.state);
    this.listen();
    this.use(options.state);
    new ResizeObserver(() => this.resize()).observe(this.view);
    new MutationObserver(() => this.recolour()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  /** @param {string} selector @returns {any} */
  find(selector) {
    return this.view.querySelector(selector);
  }

  listen() {
    const click = (/** @type {string} */ name, /** @type {() => void} */ act) =>
      this.find(`button[name=${name}]`).addEventListener("click", act);
    click("play", () => this.play(!this.playing));
    click("step", () => this.step());
    click("reset", () => this.reset());
    click("share", () => this.share());
    click("seed", () => this.change({ ...this.state, seed: this.state.seed + 1 }));
    click("sample", () => this.change({ ...this.state, sample: this.state.sample + 1 }));
    this.find(".settings").addEventListener("change", () => this.change(readState(this.view, this.state)));
    this.find(".settings").addEventListener("input", (/** @type {Event} */ event) => {
      const field = /** @type {HTMLInputElement} */ (event.target);
      if (field.type === "range") /** @type {Element} */ (field.nextElementSibling).textContent = field.value;
    });
    this.find("[name=situation]").addEventListener("change", (/** @type {any} */ event) => this.use(event.target.value, true));
    this.find("[name=test]").addEventListener("change", () => this.draw());
    this.find("[name=shows]").addEventListener("change", (/** @type {any} */ event) => {
      const [layer, unit] = event.target.value.split(".").map(Number);
      this.choose({ layer, unit });
    });
    this.find(".network").addEventListener("click", (/** @type {MouseEvent} */ event) => {
      const unit = this.pictures.under(event);
      if (unit) this.choose(unit);
    });
    this.find("details").addEventListener("toggle", () => writeWeights(this.view, this.trainer));
    this.view.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || target.matches("select, [type=range]")) return;
    /** @type {Record<string, () => void>} */
    const acts = { p: () => this.play(!this.playing), s: () => this.step(), r: () => this.reset() };
    const act = acts[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  }

  /**
   * Take up a situation by its name, or a state as text; what is wrong in it is told.
   * @param {string} text
   * @param {boolean} [byReader] then the page's address follows
   */
  use(text, byReader) {
    const named = situationNamed(text);
    const { state, problems } = parseState(named ? named.state : text.includes("=") ? text : "");
    if (!named && text && !text.includes("=")) {
      problems.push({ key: W.situation, came: text, expected: SITUATIONS.map((s) => s.name).join(", ") });
    }
    this.situation = named;
    this.begin(state);
    this.complain(problems);
    if (byReader) this.writeAddress();
  }

  /** @param {Problem[]} problems */
  complain(problems) {
    const list = problems.map((p) => fill(W.problem, { ...p, came: p.came.slice(0, 60) })).join("; ");
    if (list) this.say(make("p", {}, fill(W.broken, { list })));
    else this.say();
  }

  /**
   * Take up what the reader has set: go on with it where that is possible, else begin anew.
   * @param {State} state
   */
  change(state) {
    if (this.trainer.adjust(state)) {
      this.state = state;
      this.show();
      this.draw();
    } else {
      this.begin(state);
      this.say();
    }
    this.writeAddress();
  }

  /** @param {State} state */
  begin(state) {
    this.state = state;
    this.trainer = new Trainer(state);
    this.pictures.use(this.trainer);
    this.show();
    this.draw();
    this.tell();
    writeWeights(this.view, this.trainer);
  }

  /** Let fields and sentences say what the state is. */
  show() {
    const found = situationOf(this.state);
    if (found) this.situation = found;
    showState(this.view, this.state);
    this.find("[name=situation]").value = found ? found.name : "";
    const begun = this.situation ? fill(W.begun, { title: this.situation.title }) : "";
    this.find(".says").textContent = found ? found.says : begun;
    this.find("[name=shows]").replaceChildren(...unitOptions(this.trainer.network.sizes));
    this.choose(this.pictures.chosen);
    writeLegend(this.view, this.trainer.kind);
  }

  /** @param {import("./pictures.mjs").Chosen} chosen */
  choose({ layer, unit }) {
    if (layer === 0) return; // an input shows nothing that its name does not say
    this.pictures.choose({ layer, unit }, this.trainer.network.sizes);
    this.find("[name=shows]").value = `${layer}.${unit}`;
    this.draw();
  }

  /** @param {boolean} on */
  play(on) {
    const before = this.playing;
    this.playing = on && !this.trainer.apart;
    this.find("[name=play]").textContent = this.playing ? W.pause : W.play;
    if (this.playing) this.told = performance.now();
    if (this.playing && !before) requestAnimationFrame((now) => this.tick(now));
    if (before && !this.playing) this.finish();
  }

  /** Draw and say where training stands. */
  finish() {
    this.draw();
    this.tell();
    writeWeights(this.view, this.trainer);
    if (this.trainer.apart) this.offerReset();
  }

  step() {
    this.play(false);
    this.trainer.run(1);
    this.finish();
  }

  /** Begin anew from the same first weights. */
  reset() {
    this.play(false);
    this.say();
    this.begin(this.state);
  }

  /** @param {number} now */
  tick(now) {
    if (!this.playing || !this.visible) return;
    requestAnimationFrame((next) => this.tick(next));
    const speed = Number(this.find("[name=speed]").value);
    const start = performance.now();
    if (speed) this.trainer.run(speed);
    else while (performance.now() - start < BUSY && this.trainer.run(5));
    if (this.trainer.apart) {
      this.play(false);
    } else if (now - this.drawn >= (this.calm.matches ? CALM : 0)) {
      this.drawn = now;
      this.draw(this.calm.matches ? "both" : this.frames % 2 ? "network" : "curves");
      if (now - this.told > TELL) this.tell();
    }
  }

  /** @param {"network" | "curves" | "both"} [which] of the slower pictures */
  draw(which = "both") {
    this.frames += 1;
    this.pictures.draw(this.trainer, this.find("[name=test]").checked, which);
    if (which !== "network") writeNumbers(this.view, this.trainer);
  }

  resize() {
    this.pictures.fit();
    this.pictures.drawChoices();
    this.draw();
  }

  /** Say in words, for those who do not see the pictures, where training stands. */
  tell() {
    this.told = performance.now();
    tell(this.view, this.trainer);
  }

  /** @param {...Node} content of the message; none takes it away */
  say(...content) {
    const box = this.find(".message");
    box.replaceChildren(...content);
    box.classList.toggle("on", content.length > 0);
  }

  /** Explain that the loss has flown off, and offer two ways back. */
  offerReset() {
    const { step, train } = this.trainer.now();
    const loss = isFinite(train.loss) ? Number(train.loss.toPrecision(2)).toLocaleString("en") : W.notNumber;
    const slower = [...LEARNING_RATES].reverse().find((rate) => rate <= this.state.lr / 3) || this.state.lr / 10;
    const back = (/** @type {string} */ text, /** @type {() => void} */ onclick) => make("button", { type: "button", onclick }, text);
    const again = (/** @type {() => void} */ act) => () => {
      act();
      this.focus();
    };
    this.say(
      make("p", {}, fill(W.apart, { step, loss })),
      make("p", {},
        back(W.apartReset, again(() => this.reset())),
        back(fill(W.apartSlower, { lr: slower }), again(() => this.change({ ...this.state, lr: slower }))),
      ),
    );
  }

  /** The address of the playground's page with this state. */
  address() {
    const found = situationOf(this.state);
    const page = new URL(this.host.getAttribute("home") || "", location.href);
    page.hash = found ? found.name : formatState(this.state);
    return page.href;
  }

  writeAddress() {
    if (this.page) history.replaceState(null, "", this.address());
  }

  async share() {
    const link = this.address();
    try {
      await navigator.clipboard.writeText(link);
      this.find(".ear").textContent = W.copied;
      this.find("[name=share]").textContent = W.copiedShort;
      setTimeout(() => (this.find("[name=share]").textContent = W.share), 3000);
    } catch {
      this.say(make("p", {}, fill(W.notCopied, { link })));
    }
  }

  recolour() {
    this.pictures.recolour();
    this.draw();
  }

  /** @param {boolean} seen */
  seen(seen) {
    const before = this.visible;
    this.visible = seen;
    if (seen && !before && this.playing) requestAnimationFrame((now) => this.tick(now));
  }

  focus() {
    this.find("[name=play]").focus();
  }
}

/** @type {import("./course-demo.mjs").Mount} */
export const mount = (host, options) => new Playground(host, options);
