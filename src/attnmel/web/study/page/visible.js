// Seconds that a case was on a visible page, by a clock that never jumps; kept when the page is closed and opened again.

export class Visible {
  #since = null;
  #before = 0;
  #name = null;
  #last = null; // the name before a pause, whose seconds are still known

  constructor() {
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#hold() : this.#go()));
    addEventListener("pagehide", () => this.#hold());
  }

  /** Count for a case of this name, from where it was left. */
  start(name) {
    this.#hold();
    const own = this.#last === `attnmel|${name}` ? this.#before : 0;
    this.#name = this.#last = `attnmel|${name}`;
    this.#before = Math.max(own, Number(this.#stored(() => localStorage.getItem(this.#name))) || 0);
    this.#since = null;
    this.#go();
  }

  stop() {
    this.#hold();
    this.#name = null;
  }

  forget() {
    if (this.#name !== null) this.#stored(() => localStorage.removeItem(this.#name));
    this.#since = null;
    this.#name = null;
  }

  seconds() {
    const now = this.#since === null ? 0 : (performance.now() - this.#since) / 1000;
    return Math.min(86400, Math.round(1000 * (this.#before + now)) / 1000);
  }

  #go() {
    if (this.#name !== null && !document.hidden && this.#since === null) this.#since = performance.now();
  }

  #hold() {
    if (this.#name === null) return;
    this.#before = this.seconds();
    this.#since = null;
    this.#stored(() => localStorage.setItem(this.#name, String(this.#before)));
  }

  // Private windows may refuse storage; then only the time of this visit counts, with that before a pause.
  #stored(work) {
    try {
      return work();
    } catch {
      return null;
    }
  }
}
