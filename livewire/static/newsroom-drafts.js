/**
 * What is being written, kept in this browser until it is stored by the server.
 *
 * Kept per editor and story, with the key it would be sent under: after a reload, a text
 * whose sending has an unknown outcome is still the same request.
 */

const PASSING = new Set(["csrf", "version", "story", "alert", "update_alert"]);
const WORDS = /headline|standfirst|body|quote_text/;
const LIFE = 7 * 24 * 3600 * 1000; // ms

/** @typedef {{at: number, fields: Array<[string, string]>}} Draft */

export class Drafts {
  /** @param {string} editor */
  constructor(editor) {
    this.editor = editor;
  }

  /** @param {HTMLFormElement} form */
  keep(form) {
    const name = this.#name(form);
    if (!name) return;
    const fields = [...new FormData(form)].filter(
      ([field, value]) => typeof value === "string" && !PASSING.has(field),
    );
    const written = fields.some(([field, value]) => WORDS.test(field) && `${value}`.trim());
    if (!written) return this.forget(form);
    try {
      localStorage.setItem(name, JSON.stringify({ at: Date.now(), fields }));
    } catch {
      // Private windows may have no storage; the text is still on the page.
    }
  }

  /** @param {HTMLFormElement} form */
  forget(form) {
    const name = this.#name(form);
    if (name) localStorage.removeItem(name);
  }

  /**
   * Put a kept text back into its form.
   * @param {HTMLFormElement} form
   * @returns {boolean} whether there was one
   */
  restore(form) {
    const draft = this.#read(this.#name(form));
    if (!draft) return false;
    for (const [name, value] of draft.fields) {
      const field = form.elements.namedItem(name);
      if (field instanceof HTMLInputElement && field.type === "checkbox") field.checked = true;
      else if (
        field instanceof HTMLInputElement ||
        field instanceof HTMLTextAreaElement ||
        field instanceof HTMLSelectElement
      ) {
        field.value = value;
      }
    }
    for (const part of form.querySelectorAll("details")) {
      const fields = /** @type {NodeListOf<HTMLInputElement>} */ (part.querySelectorAll("textarea, input"));
      if ([...fields].some((field) => field.type !== "checkbox" && field.value)) part.open = true;
    }
    return true;
  }

  /** @param {string} name @returns {Draft|null} */
  #read(name) {
    try {
      const draft = JSON.parse(localStorage.getItem(name) ?? "null");
      return draft && Date.now() - draft.at < LIFE ? draft : null;
    } catch {
      return null;
    }
  }

  /** @param {HTMLFormElement} form */
  #name(form) {
    const what = form.dataset.draft;
    return what ? `livewire:draft:${this.editor}:${what}` : "";
  }
}
