/**
 * Moments in words, the same words as livewire/reader/times.py, and the server's clock.
 *
 * @typedef {{iso: string, clock: string, full: string, day: string|null}} Stamp
 */

const MINUTE = 60_000;
let ahead = 0; // the server's clock less this device's, ms

/** Set the clock by a heartbeat. @param {string} at */
export function setClock(at) {
  ahead = Date.parse(at) - Date.now() || 0;
}

/** The server's time now, in ms. */
export function now() {
  return Date.now() + ahead;
}

export class Zone {
  /** @param {string} name  an IANA zone */
  constructor(name) {
    this.format = new Intl.DateTimeFormat("en-GB", {
      timeZone: name,
      hourCycle: "h23",
      weekday: "long",
      year: "numeric",
      month: "long",
      day: "numeric",
      hour: "2-digit",
      minute: "2-digit",
      timeZoneName: "longOffset",
    });
    this.date = new Intl.DateTimeFormat("en-CA", {
      timeZone: name,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
    });
  }

  /**
   * @param {string|null|undefined} iso
   * @param {string} [firstDay]  moments of this day, 2026-11-22, are written without it
   * @returns {Stamp|null}
   */
  stamp(iso, firstDay = "") {
    if (!iso) return null;
    const at = new Date(iso);
    const is = Object.fromEntries(this.format.formatToParts(at).map((p) => [p.type, p.value]));
    const clock = `${is.hour}:${is.minute}`;
    const zone = is.timeZoneName.replace("GMT", "UTC").replace(/\+00:00$/, "");
    const full = `${is.weekday} ${is.day} ${is.month} ${is.year}, ${clock} ${zone}`;
    const short = `${is.weekday.slice(0, 3)} ${is.day} ${is.month.slice(0, 3)}`;
    const later = firstDay !== "" && firstDay !== this.date.format(at);
    return { iso, clock, full, day: later ? short : null };
  }

  /** @param {number} ms @returns {string} 21:04 */
  clock(ms) {
    return this.stamp(new Date(ms).toISOString())?.clock ?? "";
  }
}

/** "18 min ago" within the hour, "just now", or null when a clock time says it better. @param {string} iso */
export function ago(iso) {
  const minutes = Math.floor((now() - Date.parse(iso)) / MINUTE);
  if (minutes < 1) return "just now";
  return minutes < 60 ? `${minutes} min ago` : null;
}
