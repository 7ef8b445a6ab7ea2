/**
 * The stream of a story: what is in the page, what is held back, what is folded away.
 *
 * The law here: every update is in exactly one of the three, under the id `u-<id>`, and
 * the page's are in order: the pinned one, then newest first.
 */

import { keepPlace } from "./place.js";
import { morph } from "./render.js";

const MOST = 200; // updates in the page; older ones are folded away
const UNFOLDED = 50; // updates a click brings back

export class Stream extends EventTarget {
  /** New updates the reader has not been shown. @type {Map<string, HTMLElement>} */
  held = new Map();
  /** Older updates taken out of the page, newest first. @type {HTMLElement[]} */
  #folded = [];
  paused = false;

  /**
   * @param {HTMLElement} list @param {HTMLElement} bar
   * @param {{newest: string, older: HTMLElement|null, fold: HTMLElement}} edges
   */
  constructor(list, bar, { newest, older, fold }) {
    super();
    this.list = list;
    this.bar = bar;
    this.older = older;
    this.fold = fold;
    this.newest = newest;
    fold.addEventListener("click", () => this.unfold());
    list.addEventListener("animationend", ({ target }) => {
      /** @type {Element} */ (target).classList.remove("fresh");
    });
  }

  /** How many held updates are news: one withdrawn meanwhile is not. */
  get unread() {
    return [...this.held.values()].filter((one) => !one.matches(".withdrawn")).length;
  }

  /**
   * Take an update in, new or changed.
   * @param {HTMLElement} made @returns {"shown"|"held"|"changed"|"elsewhere"}
   */
  put(made) {
    const published = made.dataset.published ?? "";
    if (this.held.has(made.id)) {
      this.held.set(made.id, made);
      return "changed";
    }
    const known = this.find(made.id);
    if (known) this.#change(known, made);
    else if (published > this.newest) return this.#welcome(made, published);
    else if (this.older && published < this.#oldest() && !isPinned(made)) return "elsewhere";
    else this.#keep(() => this.#insert(made));
    return "changed";
  }

  /** @param {string} id  an update that is gone */
  drop(id) {
    this.held.delete(id);
    this.#folded = this.#folded.filter((one) => one.id !== id);
    const here = document.getElementById(id);
    if (here) this.#keep(() => here.remove());
    this.#number();
  }

  /** @param {string} id @returns {HTMLElement|undefined|null} wherever it is */
  find(id) {
    const here = this.held.get(id) ?? document.getElementById(id);
    return here ?? this.#folded.find((one) => one.id === id);
  }

  /** Every id the stream holds anywhere. */
  ids() {
    return [...this.articles(), ...this.#folded, ...this.held.values()].map(({ id }) => id);
  }

  articles() {
    return /** @type {HTMLElement[]} */ ([...this.list.querySelectorAll(":scope > article")]);
  }

  /**
   * Show what was held, with a line under the oldest of it.
   * @param {string} words  of the line @returns {HTMLElement|null} the oldest unread
   */
  reveal(words) {
    const news = [...this.held.values()].sort(inOrder);
    if (!news.length) return null;
    this.held.clear();
    this.list.querySelector(".since")?.remove();
    for (const one of news) this.#insert(one);
    const oldest = news[news.length - 1];
    if (oldest.nextElementSibling) oldest.after(this.#line(words));
    this.#fold();
    return oldest;
  }

  /** Whether the reader sees where new updates enter, and is busy with nothing there. */
  isOpen() {
    const within = this.list.contains(document.activeElement);
    const focused = within && document.activeElement !== this.list;
    const playing = [...this.list.querySelectorAll("video, audio")].some(
      (media) => !(/** @type {HTMLMediaElement} */ (media).paused),
    );
    return this.isAtTop() && !focused && !playing && document.visibilityState === "visible";
  }

  isAtTop() {
    const first = this.list.firstElementChild;
    const edge = this.bar.getBoundingClientRect().bottom;
    return !first || first.getBoundingClientRect().top >= edge - 8;
  }

  /** Unfold as far as an update, so that a link to it has somewhere to go. @param {string} id */
  bring(id) {
    while (this.#folded.some((one) => one.id === id)) this.unfold();
  }

  unfold() {
    const back = this.#folded.splice(0, UNFOLDED);
    this.list.append(...back);
    this.#number();
    /** @type {HTMLElement|null} */ (back[0]?.querySelector("h2"))?.focus({ preventScroll: true });
    this.#showFold();
  }

  /** @param {HTMLElement} made @param {string} published @returns {"shown"|"held"} */
  #welcome(made, published) {
    this.newest = published;
    if (this.paused || this.held.size || !this.isOpen()) {
      this.held.set(made.id, made);
      return "held";
    }
    made.classList.add("fresh");
    this.#insert(made);
    this.#fold();
    return "shown";
  }

  /** @param {HTMLElement} known @param {HTMLElement} made */
  #change(known, made) {
    const moves = isPinned(known) !== isPinned(made);
    this.#keep(() => {
      morph(known, made);
      if (!moves || !known.isConnected) return;
      const strange = this.older && !isPinned(known) && !this.#folded.length && this.#isBeyond(known);
      if (strange) known.remove();
      else this.#insert(known);
    });
  }

  /** An unpinned update that belongs to an older page. @param {HTMLElement} known */
  #isBeyond(known) {
    const others = this.articles().filter((one) => one !== known && !isPinned(one));
    return others.every((one) => inOrder(one, known) < 0);
  }

  /** @param {HTMLElement} made */
  #insert(made) {
    const next = this.articles().find((one) => one !== made && inOrder(made, one) < 0);
    if (next) next.before(made);
    else this.list.append(made);
    this.list.setAttribute("role", "feed"); // which one without articles must not be
    this.#number();
  }

  #oldest() {
    const last = this.#folded.at(-1) ?? this.articles().filter((one) => !isPinned(one)).at(-1);
    return last?.dataset.published ?? "";
  }

  #fold() {
    const articles = this.articles();
    const far = articles.slice(MOST).filter((one) => one.getBoundingClientRect().top > 2 * innerHeight);
    far.forEach((one) => one.remove());
    this.#folded.unshift(...far);
    if (far.length) this.#showFold();
  }

  #showFold() {
    const count = Math.min(UNFOLDED, this.#folded.length);
    this.fold.hidden = count === 0;
    this.fold.textContent = `Show ${count} earlier updates`;
    if (this.older) this.older.hidden = count > 0;
  }

  #number() {
    this.articles().forEach((one, at) => one.setAttribute("aria-posinset", String(at + 1)));
  }

  /** @param {string} words */
  #line(words) {
    const line = document.createElement("p");
    line.className = "since";
    line.setAttribute("role", "separator");
    line.textContent = words;
    return line;
  }

  /** @param {() => void} change */
  #keep(change) {
    keepPlace(this.list, this.bar.getBoundingClientRect().bottom, change);
  }
}

/** @param {Element} one */
function isPinned(one) {
  return one.classList.contains("pinned");
}

/** @param {HTMLElement} one @param {HTMLElement} other  negative: one stands above */
function inOrder(one, other) {
  const pins = Number(isPinned(other)) - Number(isPinned(one));
  const [a, b] = [one, other].map((o) => `${o.dataset.published} ${o.id}`);
  return pins || (a < b ? 1 : a > b ? -1 : 0);
}
