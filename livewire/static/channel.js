/**
 * One channel as a reader holds it: how far it has got, and which keys it was named.
 *
 * The law here: an event at or below the position, within its epoch, was had before; the
 * channel is current only once its position has reached the top the server named.
 *
 * @typedef {import("./livewire.js").LiveEvent} LiveEvent
 */

const EVENTS = new Set(["update", "story", "card", "item", "entry"]);

export class Channel {
  open = false;
  current = false;
  top = "0";
  /** The top it was on its way to when the line was lost. @type {string|null} */
  #goal = null;
  /** The newest number of each key this reader was told. @type {Map<string, number>} */
  #keys = new Map();
  /** The keys named since a reset, until it is over. @type {Set<string>|null} */
  #named = null;

  /** @param {string} name @param {string|null} position  null: from now on */
  constructor(name, position) {
    this.name = name;
    this.position = position;
  }

  /** The connection is gone; a reset in progress goes on in the next one. */
  shut() {
    this.open = this.current = false;
  }

  /**
   * Null: a line was lost on the way to a top that this log may not have reached. What was
   * left out as superseded could be missing, so the whole state has to be asked for.
   * @param {"ready"|"reset"} how @param {any} data @returns {LiveEvent[]|null}
   */
  begin(how, { position, top, floor }) {
    const doubtful = how === "ready" && this.#goal && !reaches(top, this.#goal);
    this.#goal = doubtful ? null : top;
    if (how === "reset" || doubtful) this.#named = new Set();
    if (doubtful) {
      this.position = "0";
      return null;
    }
    Object.assign(this, { position, top, open: true, current: false });
    return [...this.trim(floor), ...this.#settle()];
  }

  /** An event of the log. @param {string} event @param {any} data @returns {LiveEvent[]} */
  take(event, data) {
    if (!this.open || !isAfter(data.position, this.position)) return [];
    this.position = data.position;
    if (data.data === null) this.#forget(data.key);
    else this.#keep(data.key);
    return [...(EVENTS.has(event) ? [{ event, ...data }] : []), ...this.#settle()];
  }

  /** What the floor has risen past is gone. @param {number|undefined} floor @returns {LiveEvent[]} */
  trim(floor) {
    if (!floor || !this.open) return [];
    const keys = [...this.#keys].filter(([, seq]) => seq <= floor).map(([key]) => key);
    keys.forEach((key) => this.#forget(key));
    return [{ event: "trimmed", channel: this.name, floor, keys }];
  }

  /** @param {string} key */
  #keep(key) {
    this.#keys.set(key, sequence(this.position));
    this.#named?.add(key);
  }

  /** @param {string} key */
  #forget(key) {
    this.#keys.delete(key);
    this.#named?.delete(key);
  }

  /** @returns {LiveEvent[]} */
  #settle() {
    if (this.current || sequence(this.position) < sequence(this.top)) return [];
    this.current = true;
    this.#goal = null;
    const named = this.#named;
    this.#named = null;
    if (!named) return [];
    for (const key of this.#keys.keys()) if (!named.has(key)) this.#keys.delete(key);
    return [{ event: "settled", channel: this.name, named }];
  }
}

/** @param {string|null} position */
function sequence(position) {
  return Number(position?.split("-")[1] ?? 0);
}

/** @param {string} top @param {string} goal */
function reaches(top, goal) {
  return top.split("-")[0] === goal.split("-")[0] && sequence(top) >= sequence(goal);
}

/** @param {string} one @param {string|null} other */
function isAfter(one, other) {
  const [epoch, since] = [one.split("-")[0], other?.split("-")[0]];
  return epoch !== since || sequence(one) > sequence(other);
}
