/** Lines of an event stream into events (WHATWG HTML, 9.2.6); any chunking. */
export class EventParser {
  #rest = "";
  #afterCr = false;
  #name = "";
  /** @type {string[]} */ #data = [];

  /**
   * @param {(name: string, data: string) => void} onEvent
   * @param {(ms: number) => void} onRetry
   */
  constructor(onEvent, onRetry) {
    this.onEvent = onEvent;
    this.onRetry = onRetry;
  }

  /** @param {string} chunk  decoded text, without a byte order mark */
  push(chunk) {
    // A chunk may end between CR and LF; the CR has already ended its line.
    if (this.#afterCr && chunk.startsWith("\n")) chunk = chunk.slice(1);
    else if (chunk === "") return;
    this.#afterCr = chunk.endsWith("\r");
    const lines = (this.#rest + chunk).split(/\r\n|\n|\r/);
    this.#rest = lines.pop() ?? "";
    lines.forEach((line) => this.#line(line));
  }

  /** @param {string} line */
  #line(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#name = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "retry" && /^\d+$/.test(value)) this.onRetry(Number(value));
  }

  #dispatch() {
    const [name, data] = [this.#name || "message", this.#data];
    [this.#name, this.#data] = ["", []];
    if (data.length) this.onEvent(name, data.join("\n"));
  }
}
