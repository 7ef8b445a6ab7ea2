/** The live story page: events into the stream, the masthead and what matters. */

import { share, step } from "./gestures.js";
import { follow } from "./livewire.js";
import { keepPlace } from "./place.js";
import { fill, morph } from "./render.js";
import { Alarm, Announcer, StateLine } from "./state-line.js";
import { Stream } from "./stream.js";
import { Zone, ago, now, setClock } from "./times.js";
import { counted, isKey, keyView, reading, storyView, summaryView, updateView } from "./views.js";

/** @typedef {import("./livewire.js").LiveEvent} LiveEvent */

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

export class StoryPage {
  readers = 0;
  status = document.querySelector(".masthead .state")?.className ?? "";
  site = document.querySelector(".nameplate a")?.textContent ?? "";
  title = document.title;
  newer = new Set(); // on a page apart: updates of the story since, by id
  /** Where the pill led. @type {HTMLElement|null} */ led = null; moved = false; // by the reader, since

  /** @param {HTMLElement} main */
  constructor(main) {
    const { zone, zoneTitle, language, firstDay, newest, only, newer, count } = main.dataset;
    this.main = main;
    this.only = only !== undefined;
    this.apart = this.only || newer !== undefined; // not where new updates appear
    this.count = Number(count);
    this.scene = { zone: new Zone(zone ?? "UTC"), zoneTitle: zoneTitle ?? "", language: language ?? "", firstDay: firstDay ?? "", now };
    const edges = { newest: newest ?? "", older: byId("older"), fold: byId("folded") };
    this.stream = new Stream(byId("stream"), byId("bar"), edges);
    this.edge = newest ?? "";
    this.alarm = new Alarm(byId("alarm"));
    this.announcer = new Announcer(byId("announcer"));
    this.line = new StateLine(byId("bar"), {
      zone: this.scene.zone,
      newest: () => this.stream.newest,
      word: () => this.#word(),
      held: () => this.#pausedWords(),
      retry: () => this.following?.retry(),
    });
  }

  start() {
    const { channel = "", position = "0" } = this.main.dataset;
    this.#listen();
    this.following = follow(
      { [channel]: position },
      { onEvent: (event) => this.#take(event), onState: (told) => this.line.tell(told) },
    );
    setInterval(() => this.#tick(), 30_000);
    this.#tick();
  }

  #listen() {
    const look = () => document.visibilityState === "visible" && !this.stream.paused && this.stream.isOpen();
    const pause = byId("pause");
    byId("pill").addEventListener("click", () => this.#go());
    pause.addEventListener("click", () => this.#pause(pause));
    pause.hidden = this.apart;
    addEventListener("scroll", () => look() && this.#reveal(), { passive: true });
    this.main.addEventListener("focusout", () => setTimeout(() => look() && this.#reveal()));
    // A focus nobody but the pill set must not hold news back once the reader moves on.
    const go = () => this.moved && document.activeElement === this.led && this.stream.isAtTop() && this.led?.blur();
    const move = (/** @type {any} */ { key = "Home" }) => (this.moved ||= /^(Arrow|Page|Home| )/.test(key)) && go();
    for (const deed of ["wheel", "touchmove", "keydown"]) addEventListener(deed, move, { passive: true });
    addEventListener("scroll", go, { passive: true });
    document.addEventListener("visibilitychange", () => look() && this.#reveal());
    this.main.addEventListener("click", (event) => share(event));
    byId("keys")?.addEventListener("click", (/** @type {any} */ { target }) => {
      const id = target.closest("a")?.hash.slice(1) ?? "";
      if (this.stream.held.has(id)) this.#reveal();
      else this.stream.bring(id);
    });
    this.stream.list.addEventListener("keydown", (event) => step(event, this.stream.articles()));
  }

  /** @param {LiveEvent} event */
  #take(event) {
    const { key = "", data } = event;
    if (event.event === "update") this.#update(key, data);
    else if (event.event === "story" && data) this.#story(data);
    else if (event.event === "settled") this.#settle(event.named);
    else if (event.event === "heartbeat") this.#beat(event);
  }

  /** @param {string} key @param {any} update */
  #update(key, update) {
    const id = `u-${key.slice("update/".length)}`;
    const known = this.stream.find(id);
    if (this.apart && !known) return this.#elsewhere(id, update);
    if (!update || update.withdrawn) [this.alarm, this.announcer].forEach((voice) => voice.forget(id));
    if (!update) return this.#drop(id);
    if (update.withdrawn && known && !known.matches(".withdrawn")) this.#counts(-1);
    const made = fill(byId("update-template"), updateView(update, this.scene));
    const before = known?.querySelector(".correction")?.textContent;
    const how = this.stream.put(made);
    if (how !== "elsewhere") this.#keep(() => this.#key(update));
    if (how === "shown" || how === "held") this.#news(update);
    else if (update.correction && before !== made.querySelector(".correction")?.textContent)
      if (how === "changed") this.announcer.correction(id, update.headline || update.correction.text);
    this.#drawPill();
    this.#ages();
    this.line.draw();
  }

  /** @param {any} update */
  #news(update) {
    if (update.withdrawn) return;
    this.#counts(1);
    this.line.load();
    if (update.breaking) this.alarm.say(`u-${update.id}`, `Breaking: ${update.headline}`);
    else this.announcer.news(`u-${update.id}`, update.headline ?? "");
  }

  /** @param {number} more */
  #counts(more) {
    this.count += more;
    this.#setFact("count", counted(this.count));
  }

  /** @param {string} id */
  #drop(id) {
    this.stream.drop(id);
    this.#keep(() => byId(id.replace(/^u/, "k"))?.remove());
    this.#drawPill();
  }

  /** A page apart only counts what is new elsewhere. @param {string} id @param {any} update */
  #elsewhere(id, update) {
    const since = this.only ? update?.published > this.edge : update?.version === 1;
    if (!update || update.withdrawn) this.newer.delete(id);
    else if (since) this.newer.add(id);
    if (this.only && since && update.published > this.stream.newest) this.stream.newest = update.published;
    this.#drawPill();
    this.line.draw();
  }

  /** @param {any} update */
  #key(update) {
    const list = byId("keys");
    const known = byId(`k-${update.id}`);
    if (!list || (!isKey(update) && !known)) return;
    if (!isKey(update)) return known.remove();
    const made = fill(byId("key-template"), keyView(update, this.scene));
    if (known) return morph(known, made);
    const older = [...list.children].find((one) => one.dataset.published < update.published);
    list.insertBefore(made, older ?? null);
  }

  /** @param {any} story */
  #story(story) {
    if (story.status === "withdrawn") return this.#withdraw(story);
    const { section = "" } = this.main.dataset;
    const facts = { section, count: this.count, readers: this.readers };
    const head = storyView(story, this.scene, facts);
    this.status = head.classes;
    this.#setTitle(`${story.headline} · ${this.site}`);
    this.#swap(".masthead", fill(byId("masthead-template"), head));
    this.#swap(".summary", fill(byId("summary-template"), summaryView(story, this.scene)));
    const article = /** @type {HTMLElement|null} */ (document.querySelector(".article"));
    if (article && story.html) this.#keep(() => (article.innerHTML = story.html));
    this.line.draw();
  }

  /** @param {any} story */
  #withdraw({ withdrawn }) {
    const reason = withdrawn?.reason ? `: ${withdrawn.reason}` : ".";
    document.querySelectorAll(".summary, .key-events, .article, .masthead > :not(h1)").forEach((one) => one.remove());
    const heading = document.querySelector(".masthead h1, .way-back a");
    if (heading) heading.textContent = `This story was withdrawn${reason}`;
    this.#setTitle(`Withdrawn · ${this.site}`);
  }

  /** A reset is over: what it did not name is gone. @param {Set<string>} named */
  #settle(named) {
    const gone = this.stream.ids().filter((id) => !named.has(`update/${id.slice(2)}`));
    gone.forEach((id) => this.#drop(id));
  }

  /** @param {any} heartbeat */
  #beat({ at, channels }) {
    setClock(at);
    this.readers = channels?.[this.main.dataset.channel ?? ""]?.readers ?? this.readers;
    this.#setFact("readers", reading(this.readers));
  }

  /** @param {string} name @param {string|null} words  null takes the fact away */
  #setFact(name, words) {
    const facts = document.querySelector(".masthead .state");
    const known = facts?.querySelector(`.${name}`);
    if (!words) return known?.remove();
    if (known) return void (known.textContent = words);
    const fact = document.createElement("span");
    fact.className = name;
    fact.textContent = words;
    facts?.insertBefore(fact, name === "count" ? facts.querySelector(".readers") : null);
  }

  #drawPill() {
    const pill = byId("pill");
    const breaking = [...this.stream.held.values()].find((one) => one.matches(".breaking"));
    const count = this.apart ? this.newer.size : this.stream.unread;
    const words = `${count} ${this.apart ? "newer" : "new"} update${count === 1 ? "" : "s"}`;
    pill.hidden = count === 0;
    pill.textContent = breaking ? `Breaking: ${breaking.querySelector("h2")?.textContent}` : words;
    pill.classList.toggle("breaking", Boolean(breaking));
    document.title = count ? `(${count}) ${this.title}` : this.title;
  }

  /** @param {string} title */
  #setTitle(title) {
    if (!this.only) this.title = title;
    this.#drawPill();
  }

  #reveal() {
    if (!this.stream.held.size) return null;
    const newest = this.stream.articles().find((one) => !one.matches(".pinned"));
    const since = this.scene.zone.stamp(newest?.dataset.published)?.clock;
    const oldest = this.stream.reveal(since ? `New since ${since}` : "New");
    this.#drawPill();
    this.#ages();
    return oldest;
  }

  /** The pill: to the oldest unread update, with the focus on its heading. */
  #go() {
    if (this.apart) return location.assign(`/live/${this.main.dataset.slug}`);
    const oldest = this.#reveal();
    oldest?.scrollIntoView({ block: "start", behavior: "instant" });
    this.moved = false;
    this.led = oldest?.querySelector("h2") ?? null;
    this.led?.focus({ preventScroll: true });
  }

  /** @param {HTMLElement} button */
  #pause(button) {
    this.stream.paused = !this.stream.paused;
    this.pausedAt = now();
    button.textContent = this.stream.paused ? "Resume" : "Pause";
    button.setAttribute("aria-label", `${button.textContent} live updates`);
    if (!this.stream.paused && this.stream.isOpen()) this.#reveal();
    this.line.draw();
  }

  #pausedWords() {
    if (!this.stream.paused) return null;
    const since = ago(new Date(this.pausedAt ?? 0).toISOString()) ?? "a while ago";
    const { unread } = this.stream;
    return `Paused by you ${since}${unread ? ` · ${unread} new` : ""}`;
  }

  #word() {
    if (this.status.includes("is-ended")) return "Ended";
    if (this.status.includes("is-paused")) return "Paused by the newsroom";
    return "Live";
  }

  #tick() {
    this.#ages();
    this.#lapse();
    this.line.draw();
    this.main.querySelector("#bar")?.toggleAttribute("data-quiet", this.#word() !== "Live");
  }

  #ages() {
    for (const article of this.stream.articles()) {
      const words = ago(article.dataset.published ?? "") ?? "";
      const place = article.querySelector(".ago");
      if (place && place.textContent !== words) place.textContent = words;
    }
  }

  /** Breaking ends by the clock. */
  #lapse() {
    const all = /** @type {NodeListOf<HTMLElement>} */ (this.main.querySelectorAll("[data-until]"));
    for (const one of [...all, ...this.stream.held.values()]) {
      if (!one.dataset.until || Date.parse(one.dataset.until) > now()) continue;
      one.removeAttribute("data-until");
      one.classList.remove("breaking");
      one.querySelector(".flag-breaking")?.remove();
    }
  }

  /** @param {string} selector @param {HTMLElement} made */
  #swap(selector, made) {
    const known = document.querySelector(selector);
    if (known) this.#keep(() => morph(known, made));
  }

  /** @param {() => void} change */
  #keep(change) {
    keepPlace(this.stream.list, this.stream.bar.getBoundingClientRect().bottom, change);
  }
}
