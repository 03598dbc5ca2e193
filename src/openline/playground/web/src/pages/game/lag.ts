/** A line that is longer than it is: what passes is held up on its way, in its order. */

export class Lag {
  /** Milliseconds, one way. */
  delay = 0;
  private due = 0;
  private timers = new Set<number>();

  pass(what: () => void): void {
    const now = performance.now();
    // Never before what has come earlier, also when the delay was made shorter meanwhile.
    const at = Math.max(now + this.delay, this.due);
    if (at <= now) return what();
    this.due = at;
    const timer = window.setTimeout(() => {
      this.timers.delete(timer);
      what();
    }, at - now);
    this.timers.add(timer);
  }

  /** What is on its way is lost. */
  clear(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.due = 0;
  }
}
