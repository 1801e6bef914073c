/**
 * The element `<course-demo>`: a picture and a button until the reader asks, then a live demo.
 *
 * name, src: the demo and its script. state: a situation's name or `key=value&…`. page: the demo
 * is what this page is for, so that the page's address holds its state. open, loading, failed: what
 * the button and the messages say. Nothing is fetched before the button is pressed, or before the
 * reader has followed a link to a situation on the demo's own page.
 *
 * A demo's script puts `mount(host, options)` into `courseDemos[name]`; it returns what can be
 * shown, hidden and given another state.
 */

/**
 * @typedef {object} Options
 * @property {string} state
 * @property {boolean} page
 */
/**
 * @typedef {object} Mounted
 * @property {(seen: boolean) => void} seen pauses what nobody sees
 * @property {(state: string) => void} use
 * @property {() => void} focus
 */
/** @typedef {(host: HTMLElement, options: Options) => Mounted} Mount */

/** @type {Record<string, {mount: Mount}>} */
const demos = (/** @type {any} */ (window).courseDemos ??= {});

/**
 * Return the script's promise of having run; a script that failed may be asked for again.
 * @param {string} src
 */
function load(src) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = src;
    script.onload = resolve;
    script.onerror = () => {
      script.remove();
      reject(new Error(src));
    };
    document.head.append(script);
  });
}

/**
 * Return `text` with its %-signs read, or as it is where they mean nothing.
 * @param {string} text
 */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

class CourseDemo extends HTMLElement {
  connectedCallback() {
    if (this.button) return;
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "demo-open";
    this.button.textContent = this.getAttribute("open");
    this.button.onclick = () => this.start(true);
    this.message = document.createElement("p");
    this.message.setAttribute("role", "status");
    this.message.className = "demo-message";
    this.append(this.button, this.message);
    if (this.hasAttribute("page")) {
      addEventListener("hashchange", () => this.follow());
      this.follow();
    }
  }

  /** Take the state from the page's address, unless that names a place of the text. */
  follow() {
    const asked = decoded(location.hash.slice(1));
    const place = asked && document.getElementById(asked);
    if (!asked || (place && !place.classList.contains("situation"))) return;
    this.setAttribute("state", asked);
    if (this.demo) this.demo.use(asked);
    const there = this.demo ? Promise.resolve() : this.start(false);
    there.then(() => this.scrollIntoView());
  }

  /**
   * Load the demo and put it in the picture's place.
   * @param {boolean} asked by the button, which then hands on the focus
   */
  async start(asked) {
    const name = this.getAttribute("name") || "";
    const button = /** @type {HTMLButtonElement} */ (this.button);
    const message = /** @type {HTMLElement} */ (this.message);
    if (this.demo || button.disabled) return;
    button.disabled = true;
    message.textContent = this.getAttribute("loading");
    try {
      if (!demos[name]) await load(this.getAttribute("src") || "");
      const options = { state: this.getAttribute("state") || "", page: this.hasAttribute("page") };
      const demo = demos[name].mount(this, options);
      this.demo = demo;
      message.textContent = "";
      new IntersectionObserver((all) => demo.seen(all[all.length - 1].isIntersecting)).observe(this);
      if (asked) demo.focus();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      message.textContent = (this.getAttribute("failed") || "").replace("{why}", why);
      button.disabled = false;
    }
  }
}

customElements.define("course-demo", CourseDemo);
