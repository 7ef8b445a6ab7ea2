/**
 * Follows channels of a Livewire site: server-sent events, read with fetch so that
 * statuses and headers are ours.
 *
 *     import { follow } from "https://news.example/static/livewire.js";
 *     const following = follow({ "story/election": "q7f3k2m9-41" }, {
 *       base: "https://news.example",
 *       onEvent: (event) => show(event),
 *       onState: ({ state, proof }) => say(state, proof),
 *     });
 *
 * The law here: an event is handed on once, in its channel's order, and "live" is said
 * only while every channel has reached the top the server named.
 *
 * @typedef {"connecting"|"catching-up"|"live"|"reconnecting"|"stale"|"closed"} State
 *
 * @typedef {object} Told
 * @property {State} state  closed: for good, see reason; stale: lost for long
 * @property {number|null} proof  when the server last said how things stand, ms of this
 *   device's clock; what it says while it cannot reach its own log is no proof
 * @property {number|null} lost  since when there is no connection, same clock
 * @property {string|null} reason  why it is closed: the server's word, or "http-404"
 *
 * @typedef {{event: string, channel?: string, [name: string]: any}} LiveEvent
 *   The server's objects (update, story, card, item, entry: `data` null means gone), and
 *   two of ours: `settled` after a reset: drop every key not in the Set `named`;
 *   `trimmed`: drop `keys`, they are at or below the channel's `floor`.
 *
 * @typedef {object} Options
 * @property {string} [base]  the site's address; this page's own by default
 * @property {(event: LiveEvent) => void} [onEvent]
 * @property {(told: Told) => void} [onState]
 * @property {string | (() => string | Promise<string>)} [token]  asked at each connect
 * @property {number} [heartbeat]  the server's interval in ms, 15 000
 * @property {number} [staleAfter]  ms of loss until the state is stale, 60 000
 */

import { Channel } from "./channel.js";
import { EventParser } from "./event-stream.js";

const LONGEST_WAIT = 30_000;

/**
 * @param {Record<string, string|null>} channels  name to position: null is from now on,
 *   "0" the whole state. Beside channels with a position, null gets the state first.
 * @param {Options} [options]
 * @returns {{close: () => void, retry: () => void}}
 */
export function follow(channels, options = {}) {
  const follower = new Follower(channels, options);
  follower.run();
  return { close: () => follower.end(null), retry: () => follower.hurry() };
}

class Follower {
  /** @type {Map<string, Channel>} */ #channels = new Map();
  /** @type {State} */ #state = "connecting";
  /** @type {string|null} */ #reason = null;
  /** @type {number|null} */ #proof = null;
  /** @type {number|null} */ #lost = null;
  /** @type {AbortController|null} */ #connection = null;
  #heard = 0; // when anything last happened on the connection being made or open
  #retry = 1000;
  #failures = 0;
  #again = false; // the next connect is a reconnect
  #ended = false;
  #over = new AbortController(); // takes the listeners away
  #away = false; // the page is in the back-forward cache
  #wake = () => {};

  /** @param {Record<string, string|null>} channels @param {Options} options */
  constructor(channels, options) {
    this.options = { base: "", heartbeat: 15_000, staleAfter: 60_000, ...options };
    for (const name of Object.keys(channels).sort()) {
      this.#channels.set(name, new Channel(name, channels[name]));
    }
    const until = { signal: this.#over.signal, capture: true };
    const back = (/** @type {PageTransitionEvent} */ event) => event.persisted && this.#leave(false);
    addEventListener("online", () => this.hurry(), until);
    addEventListener("visibilitychange", () => document.hidden || this.hurry(), until);
    addEventListener("pagehide", () => this.#leave(true), until);
    addEventListener("pageshow", back, until);
    this.timer = setInterval(() => this.#check(), Math.min(5000, this.options.heartbeat / 3));
  }

  async run() {
    this.#tell("connecting");
    while (!this.#ended) {
      const least = await this.#connect();
      if (this.#ended) return;
      this.#loseTouch();
      const spread = Math.random() * Math.min(LONGEST_WAIT, 1000 * 2 ** this.#failures++);
      await this.#sleep(Math.max(least, this.#retry + spread));
    }
  }

  /** Connect now instead of at the end of a wait; drop a connection gone silent. */
  hurry() {
    if (this.#connection) this.#check();
    else if (!this.#away) this.#wake();
  }

  /** @param {string|null} reason  the server's, or null when the page wished it */
  end(reason) {
    if (this.#ended) return;
    this.#ended = true;
    this.#reason = reason;
    clearInterval(this.timer);
    this.#over.abort();
    this.#connection?.abort();
    this.#wake();
    this.#tell("closed");
  }

  /** One connection from its request to its end. @returns {Promise<number>} least wait */
  async #connect() {
    const connection = (this.#connection = new AbortController());
    this.#heard = Date.now();
    for (const channel of this.#channels.values()) channel.shut();
    try {
      const answer = await fetch(this.#address(), {
        headers: await this.#headers(),
        signal: connection.signal,
        cache: "no-store",
      });
      if (!answer.ok) return this.#refused(answer);
      const type = answer.headers.get("Content-Type") ?? "";
      if (answer.body && type.startsWith("text/event-stream")) await this.#read(answer.body);
    } catch (error) {
      // A failure of the network is a TypeError; what else fails should be seen.
      if (!(error instanceof TypeError) && !connection.signal.aborted) reportError(error);
    } finally {
      connection.abort();
      this.#connection = null;
      this.#again = true;
    }
    return 0;
  }

  /** @param {Response} answer */
  #refused(answer) {
    const { status } = answer;
    const final = status >= 400 && status < 500 && status !== 408 && status !== 429;
    if (final) this.end(`http-${status}`);
    return 1000 * (Number(answer.headers.get("Retry-After")) || 0);
  }

  /** @param {ReadableStream<Uint8Array>} body */
  async #read(body) {
    const decoder = new TextDecoder(); // takes the byte order mark away
    const parser = new EventParser(
      (name, data) => this.#take(name, JSON.parse(data)),
      (ms) => (this.#retry = ms),
    );
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.#ended) return;
      this.#heard = Date.now();
      parser.push(decoder.decode(value, { stream: true }));
    }
  }

  #address() {
    const query = new URLSearchParams([...this.#channels.keys()].map((name) => ["channel", name]));
    const since = this.#positions();
    if (since && !this.#again) query.set("since", since);
    return `${this.options.base}/stream?${query}`;
  }

  async #headers() {
    const { token } = this.options;
    const said = typeof token === "function" ? await token() : token;
    const since = this.#again ? this.#positions() : "";
    return {
      Accept: "text/event-stream",
      ...(since && { "Last-Event-ID": since }),
      ...(said && { Authorization: `Bearer ${said}` }),
    };
  }

  /** Every channel's position in the order of their names; "" when all begin now. */
  #positions() {
    const all = [...this.#channels.values()].map((channel) => channel.position ?? "");
    return all.some(Boolean) ? all.join(",") : "";
  }

  /** @param {string} name @param {any} data */
  #take(name, data) {
    if (this.#ended || data === null || typeof data !== "object") return;
    if (name !== "heartbeat" || !isStalled(data)) this.#proof = this.#heard;
    if (name === "ready" || name === "reset") this.#open(name, data);
    else if (name === "heartbeat") this.#beat(data);
    else if (name === "problem") this.#problem(data);
    else if (name === "close") this.#closing(data);
    else if (data.channel && data.position && data.key) this.#event(name, data);
  }

  /** @param {"ready"|"reset"} name @param {any} data */
  #open(name, data) {
    const channel = this.#channels.get(data.channel);
    const events = channel ? channel.begin(name, data) : [];
    if (!events) return this.#connection?.abort();
    this.#emit({ event: name, ...data });
    if (!this.#current()) this.#tell("catching-up");
    this.#emit(...events);
    if (this.#current()) this.#arrive();
  }

  /** @param {string} name @param {any} data */
  #event(name, data) {
    const channel = this.#channels.get(data.channel);
    const before = this.#current();
    if (channel) this.#emit(...channel.take(name, data));
    if (!before && this.#current()) this.#arrive();
  }

  /** @param {any} data */
  #beat(data) {
    for (const [name, said] of Object.entries(data.channels ?? {})) {
      this.#emit(...(this.#channels.get(name)?.trim(said.floor) ?? []));
    }
    this.#emit({ event: "heartbeat", ...data });
    this.#tell(this.#state);
  }

  /** @param {any} data */
  #problem(data) {
    const { channel, status } = data;
    this.#emit({ event: "problem", ...data });
    if (status < 400 || status >= 500 || status === 408 || status === 429) return;
    this.#channels.delete(channel);
    if (!this.#channels.size) this.end(`http-${status}`);
    else if (this.#current()) this.#arrive();
  }

  /** @param {any} data */
  #closing({ reason, reconnect }) {
    this.#emit({ event: "close", reason, reconnect });
    if (reconnect === false) this.end(reason);
    else this.#connection?.abort();
  }

  #current() {
    return [...this.#channels.values()].every((channel) => channel.current);
  }

  #arrive() {
    this.#failures = 0;
    this.#lost = null;
    this.#tell("live");
  }

  #loseTouch() {
    this.#lost ??= this.#proof ?? Date.now();
    this.#tell(this.#isStale() ? "stale" : "reconnecting");
  }

  #isStale() {
    return this.#lost !== null && Date.now() - this.#lost >= this.options.staleAfter;
  }

  /** Silence, sleep and a clock that was set all show as a strange age of the last byte. */
  #check() {
    const silence = Date.now() - this.#heard;
    const strange = silence > 2.5 * this.options.heartbeat || silence < -1000;
    if (this.#connection && strange) this.#connection.abort();
    if (this.#isStale() && this.#state === "reconnecting") this.#tell("stale");
  }

  /** A page kept in the back-forward cache must not hold a connection. @param {boolean} away */
  #leave(away) {
    this.#away = away;
    if (away) this.#connection?.abort();
    else this.#wake();
  }

  /** @param {number} ms */
  async #sleep(ms) {
    const woken = new Promise((wake) => (this.#wake = () => wake(undefined)));
    const timer = setTimeout(() => this.#away || this.#wake(), ms);
    await woken;
    clearTimeout(timer);
  }

  /** A fault in the page's own code must not cost it the stream. @param {LiveEvent[]} events */
  #emit(...events) {
    for (const event of events) {
      try {
        this.options.onEvent?.(event);
      } catch (error) {
        reportError(error);
      }
    }
  }

  /** @param {State} state */
  #tell(state) {
    this.#state = state;
    this.options.onState?.({ state, proof: this.#proof, lost: this.#lost, reason: this.#reason });
  }
}

/** Whether the server cannot vouch for a channel. @param {any} heartbeat */
function isStalled({ channels }) {
  return Object.values(channels ?? {}).some((said) => said.stalled);
}
