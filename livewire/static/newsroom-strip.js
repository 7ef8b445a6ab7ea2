/**
 * The strip above the desk: what became of the last action, and whether the page is
 * still told what others do.
 */

export class Strip {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    this.retry = /** @type {HTMLButtonElement} */ (place.querySelector("[data-retry]"));
    this.words = /** @type {HTMLElement} */ (place.querySelector("p"));
    this.distance = /** @type {HTMLElement} */ (place.querySelector("[data-away]"));
    this.wrong = place.classList.contains("wrong");
  }

  get isEmpty() {
    return this.place.hidden;
  }

  /**
   * @param {string} words
   * @param {{wrong?: boolean, again?: boolean}} [how]
   */
  say(words, { wrong = false, again = false } = {}) {
    this.wrong = wrong;
    this.retry.hidden = !again;
    if (this.words.textContent !== words) this.words.textContent = words;
    this.#show();
  }

  /** Why the page is not brought up to date; "" once it is again. @param {string} words */
  away(words) {
    if (this.distance.textContent !== words) this.distance.textContent = words;
    this.#show();
  }

  #show() {
    const [said, away] = [this.words, this.distance].map((line) => {
      line.hidden = !line.textContent;
      return !line.hidden;
    });
    this.place.hidden = !said && !away;
    this.place.classList.toggle("wrong", this.wrong || away);
  }
}
