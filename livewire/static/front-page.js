/** The front page: its lines follow the channel of all public stories. */

import { follow } from "./livewire.js";
import { keepPlace } from "./place.js";
import { fill, morph } from "./render.js";
import { StateLine } from "./state-line.js";
import { Zone, now, setClock } from "./times.js";
import { lineView } from "./views.js";

/** @typedef {import("./livewire.js").LiveEvent} LiveEvent */

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

export class FrontPage {
  /** What items may leave out, by line. @type {Map<string, any>} */
  #known = new Map();

  /** @param {HTMLElement} main */
  constructor(main) {
    const { zone = "UTC", language = "" } = main.dataset;
    const titles = /** @type {HTMLDataElement[]} */ ([...main.querySelectorAll(".section-title")]);
    this.main = main;
    this.list = byId("lines");
    const named = titles.map((one) => [one.value, one.dataset.title ?? ""]);
    /** @type {Record<string, string>} */
    this.sections = Object.fromEntries(named);
    this.scene = { zone: new Zone(zone), zoneTitle: "", language, firstDay: "", now };
    this.line = new StateLine(byId("bar"), {
      zone: this.scene.zone,
      newest: () => this.#newest(),
      word: () => "Live",
      held: () => null,
      retry: () => this.following?.retry(),
    });
  }

  start() {
    const { channel = "stories", position = "0" } = this.main.dataset;
    this.following = follow(
      { [channel]: position },
      { onEvent: (event) => this.#take(event), onState: (told) => this.line.tell(told) },
    );
    setInterval(() => this.line.draw(), 30_000);
    this.list.addEventListener("animationend", (/** @type {any} */ { target }) => {
      target.closest(".fresh")?.classList.remove("fresh");
    });
  }

  /** @param {LiveEvent} event */
  #take(event) {
    const { key = "", data } = event;
    if (event.event === "item" && key.startsWith("story/")) this.#item(`s-${key.slice(6)}`, data);
    else if (event.event === "heartbeat") setClock(event.at);
    else if (event.event === "settled") {
      const gone = [...this.list.children].filter((one) => !event.named.has(`story/${one.id.slice(2)}`));
      gone.forEach((one) => one.remove());
    }
    byId("nothing").hidden = this.list.childElementCount > 0;
    this.line.draw();
  }

  /** @param {string} id @param {any} story */
  #item(id, story) {
    const known = byId(id);
    const other = this.main.dataset.section && story?.section !== this.main.dataset.section;
    if (!story || other) return this.#keep(() => known?.remove());
    const whole = { ...this.#known.get(id), ...story };
    this.#known.set(id, whole);
    const made = fill(byId("line-template"), lineView(whole, this.scene, this.sections));
    if (known) this.#keepMissing(known, made, story);
    const fresh = made.dataset.published !== known?.dataset.published;
    this.#keep(() => {
      const moves = !known || known.dataset.rank !== made.dataset.rank;
      if (known) morph(known, made);
      if (moves) this.#insert(known ?? made);
    });
    if (fresh) byId(id).classList.add("fresh");
  }

  /** An item without its newest update leaves the one on the page. @param {HTMLElement} known @param {HTMLElement} made @param {any} story */
  #keepMissing(known, made, story) {
    if (this.#known.get(made.id).latest_update === undefined) {
      const news = known.querySelector(".news");
      if (news && story.form === "live") made.append(news.cloneNode(true));
      made.dataset.published = known.dataset.published;
    }
    const count = known.querySelector(".count");
    if (this.#known.get(made.id).update_count === undefined && count) made.append(count.cloneNode(true));
  }

  /** @param {HTMLElement} made */
  #insert(made) {
    const lines = /** @type {HTMLElement[]} */ ([...this.list.children]);
    const next = lines.find((one) => one !== made && comesBefore(made, one));
    this.list.insertBefore(made, next ?? null);
  }

  #newest() {
    const times = [...this.list.children].map((one) => one.dataset.published);
    return times.sort().at(-1) ?? "";
  }

  /** @param {() => void} change */
  #keep(change) {
    keepPlace(this.list, byId("bar").getBoundingClientRect().bottom, change);
  }
}

/** @param {HTMLElement} one @param {HTMLElement} other */
function comesBefore({ dataset: one }, { dataset: other }) {
  if (one.rank !== other.rank) return (one.rank ?? "") < (other.rank ?? "");
  return (one.published ?? "") > (other.published ?? "");
}
