/**
 * Says what is true of the connection, in words: the line, the strip, and the announcer.
 *
 * Quiet is not broken: heartbeats prove the connection while nothing happens. The first
 * seconds of a loss are not worth a word; after that it is said and stays until it ends.
 *
 * @typedef {import("./livewire.js").Told} Told
 * @typedef {import("./times.js").Zone} Zone
 */

import { ago } from "./times.js";

const UNSAID = 5000; // ms of loss before a word is said
const GOOD_NEWS = 8000; // ms that "Back online" stays
const SPOKEN = 10_000; // ms that what was spoken stays in the page
const REASONS = new Map([
  ["http-404", "this page is no longer followed"],
  ["unknown", "this page is no longer followed"],
  ["http-410", "this story was withdrawn"],
]);

export class StateLine {
  /** @type {Told} */ #told = { state: "connecting", proof: null, lost: null, reason: null };
  #loaded = 0; // new updates since the connection was lost
  #missed = false; // a loss was said, so its end is said too
  #goodUntil = 0;
  #born = Date.now();
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #timer;

  /**
   * @param {HTMLElement} bar
   * @param {{zone: Zone, newest: () => string, word: () => string, held: () => string|null,
   *   retry: () => void}} page
   */
  constructor(bar, page) {
    this.bar = bar;
    this.page = page;
    this.line = /** @type {HTMLElement} */ (bar.querySelector("#state"));
    this.initial = this.line.textContent ?? "";
    this.strip = /** @type {HTMLElement} */ (bar.querySelector("#strip"));
    this.strip.addEventListener("click", ({ target }) => {
      if (target instanceof HTMLButtonElement) page.retry();
    });
  }

  /** @param {Told} told */
  tell(told) {
    if (told.lost !== null && this.#told.lost === null) this.#loaded = 0;
    this.#told = told;
    if (told.state === "live" && this.#missed) this.#goodUntil = Date.now() + GOOD_NEWS;
    this.draw();
    if (told.state !== "live") return;
    this.#missed = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.draw(), GOOD_NEWS);
  }

  /** New updates came while the connection was being caught up. @param {number} [count] */
  load(count = 1) {
    if (this.#told.lost !== null) this.#loaded += count;
  }

  draw() {
    const { state, lost } = this.#told;
    const since = lost ?? (state === "live" ? null : this.#born);
    this.bar.dataset.state = state;
    const unsaid = since !== null && Date.now() - since < UNSAID && state !== "closed";
    if (unsaid) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.draw(), UNSAID - (Date.now() - since) + 50);
      this.#say(this.line, this.page.held() ?? this.#last("Last update"));
      return;
    }
    this.#say(this.line, this.#lineWords());
    this.#drawStrip();
  }

  #lineWords() {
    const { state, proof } = this.#told;
    const held = this.page.held();
    if (held) return held;
    if (state === "catching-up") return "Catching up…";
    if (state !== "live") return this.#last("Last update");
    const seconds = Math.max(0, Math.round((Date.now() - (proof ?? 0)) / 1000));
    const checked = seconds < 30 ? "just now" : `${seconds} s ago`;
    const last = this.#last("last update", true);
    return [this.page.word(), `checked ${checked}`, last].filter(Boolean).join(" · ");
  }

  #drawStrip() {
    const { state, reason } = this.#told;
    const said = state === "live" ? this.#goodWords() : this.#lossWords();
    const ours = state === "closed" && reason === null;
    this.strip.hidden = !said || ours;
    this.strip.classList.toggle("good", state === "live");
    this.#missed ||= state !== "live" && !ours;
    this.#say(this.strip, said ?? "");
    if (state === "stale") this.#offerRetry();
  }

  #lossWords() {
    const { state, proof, reason } = this.#told;
    const shown = `Showing updates to ${this.page.zone.clock(proof ?? this.#born)}.`;
    const why = REASONS.get(reason ?? "") ?? "the connection was closed";
    if (state === "stale") return `Not live. ${shown}`;
    if (state === "closed") return `Not live: ${why}. ${shown}`;
    const doing = { connecting: "Connecting…", "catching-up": "Catching up…" };
    const word = doing[/** @type {keyof typeof doing} */ (state)] ?? "Reconnecting…";
    return this.#last(`${word} Last update`);
  }

  #goodWords() {
    if (Date.now() >= this.#goodUntil) return null;
    const count = this.#loaded;
    return count ? `Back online, ${count} update${count === 1 ? "" : "s"} loaded` : "Back online";
  }

  #offerRetry() {
    if (this.strip.querySelector("button")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Retry";
    this.strip.append(button);
  }

  /** @param {string} words @param {boolean} [relative] */
  #last(words, relative = false) {
    const newest = this.page.newest();
    if (!newest) return words.startsWith("l") ? "" : words.replace(/ ?Last update/, "") || this.initial;
    const clock = this.page.zone.stamp(newest)?.clock;
    return `${words} ${(relative && ago(newest)) || clock}`;
  }

  /** @param {HTMLElement} element @param {string} words */
  #say(element, words) {
    const said = element.firstChild?.nodeType === Node.TEXT_NODE && element.childElementCount;
    const now = said ? element.firstChild?.nodeValue : element.textContent;
    if (now !== words) element.textContent = words;
  }
}

/** One polite voice: gathers what there is to say and speaks at most every 20 s. */
export class Announcer {
  #news = 0;
  #latest = { id: "", headline: "" };
  /** By update. @type {Map<string, string>} */ #corrections = new Map();
  /** Updates the spoken words name. @type {Set<string>} */ #named = new Set();
  #spoke = -Infinity;
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #timer;

  /** @param {HTMLElement} region @param {number} [pause] ms */
  constructor(region, pause = 20_000) {
    this.region = region;
    this.pause = pause;
  }

  /** @param {string} id @param {string} headline */
  news(id, headline) {
    this.#news += 1;
    this.#latest = { id, headline };
    this.#plan();
  }

  /** @param {string} id @param {string} headline */
  correction(id, headline) {
    this.#corrections.set(id, `Correction: ${headline}.`);
    this.#plan();
  }

  /** Unsay an update that was withdrawn. @param {string} id */
  forget(id) {
    this.#corrections.delete(id);
    if (this.#latest.id === id) {
      this.#latest = { id: "", headline: "" };
      this.#news = Math.max(0, this.#news - 1);
    }
    if (this.#named.has(id)) this.region.textContent = "";
  }

  #plan() {
    const wait = Math.max(1000, this.#spoke + this.pause - Date.now());
    this.#timer ??= setTimeout(() => this.#speak(), wait);
  }

  #speak() {
    const many = `${this.#news} new update${this.#news === 1 ? "" : "s"}. ${this.#latest.headline}`;
    const said = [...(this.#news ? [many] : []), ...this.#corrections.values()];
    this.region.textContent = said.join(" ");
    this.#named = new Set([...(this.#news ? [this.#latest.id] : []), ...this.#corrections.keys()]);
    [this.#news, this.#timer] = [0, undefined];
    this.#corrections.clear();
    this.#spoke = Date.now();
    setTimeout(() => (this.region.textContent = ""), SPOKEN);
  }
}

/** The voice that interrupts, for breaking news alone. */
export class Alarm {
  #id = "";
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #timer;

  /** @param {HTMLElement} region */
  constructor(region) {
    this.region = region;
  }

  /** @param {string} id @param {string} words */
  say(id, words) {
    this.#id = id;
    this.region.textContent = words;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.forget(id), SPOKEN);
  }

  /** @param {string} id */
  forget(id) {
    if (this.#id === id) this.region.textContent = "";
  }
}
