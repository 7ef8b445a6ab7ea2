/**
 * The sheet that asks before an alert: the exact line, and how many it reaches now.
 */

export class Alarm {
  /** @param {HTMLDialogElement} sheet */
  constructor(sheet) {
    this.sheet = sheet;
  }

  /** @param {HTMLFormElement} form */
  isNeeded(form) {
    return this.#box(form, "breaking")?.checked ?? false;
  }

  /** Take the newest numbers. @param {Document} page */
  count(page) {
    const fresh = page.querySelector("#alarm");
    for (const name of ["data-readers", "data-alerted"]) {
      this.sheet.setAttribute(name, fresh?.getAttribute(name) ?? "0");
    }
  }

  /**
   * @param {HTMLFormElement} form
   * @returns {Promise<boolean>} whether to send it
   */
  ask(form) {
    const line = this.#value(form, "headline") || this.#value(form, "body").split("\n")[0];
    this.#place("line").textContent = line;
    const { readers = "0", alerted = "0" } = this.sheet.dataset;
    this.#place("reach").textContent =
      `${told(readers, "reads", "read")} this story now, ` +
      `${told(alerted, "follows", "follow")} breaking news. It cannot be called back.`;
    this.sheet.returnValue = "";
    this.sheet.showModal();
    return new Promise((resolve) => {
      const ended = new AbortController();
      const { signal } = ended;
      this.sheet.addEventListener("close", () => {
        ended.abort();
        const sure = this.sheet.returnValue === "yes";
        const box = this.#box(form, "alert");
        if (box) box.checked = sure;
        resolve(sure);
      }, { signal });
      this.sheet.addEventListener("click", ({ target }) => {
        const answer = target instanceof HTMLElement ? target.dataset.answer : undefined;
        if (answer) this.sheet.close(answer);
      }, { signal });
    });
  }

  /** @param {string} name @returns {HTMLElement} */
  #place(name) {
    return /** @type {HTMLElement} */ (this.sheet.querySelector(`[data-${name}]`));
  }

  /** @param {HTMLFormElement} form @param {string} name @returns {HTMLInputElement|null} */
  #box(form, name) {
    return form.querySelector(`[name="${name}"], [name="update_${name}"][type="checkbox"]`);
  }

  /** @param {HTMLFormElement} form @param {string} name */
  #value(form, name) {
    const prefix = form.id ? "" : "update_";
    const field = /** @type {HTMLInputElement|null} */ (form.querySelector(`[name="${prefix}${name}"]`));
    return field?.value.trim() ?? "";
  }
}

/** @param {string} count @param {string} one @param {string} many */
function told(count, one, many) {
  const number = Number(count).toLocaleString();
  return `${number} ${count === "1" ? `person ${one}` : `people ${many}`}`;
}
