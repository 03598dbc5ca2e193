/** How far the server's clock is from this page's: of many questions, the one that was answered fastest tells best. */

const FORGET = 60_000; // milliseconds after which a better answer is no longer believed: clocks drift

export class Clock {
  private best = Infinity;
  private since = 0;
  private offset = 0;

  /** This page's time, in milliseconds since 1970. */
  static now(): number {
    return performance.timeOrigin + performance.now();
  }

  /** Take an answer: `sent` is this page's time of the question, `at` the server's. */
  answer(sent: number, at: number): void {
    const now = Clock.now();
    const took = now - sent;
    if (took >= this.best && now - this.since < FORGET) return;
    this.best = took;
    this.since = now;
    this.offset = at - (sent + took / 2);
  }

  get known(): boolean {
    return this.best < Infinity;
  }

  /** How old something is that the server has made at a time of its clock. Never less than nothing. */
  age(at: number): number {
    return Math.max(0, Clock.now() + this.offset - at);
  }
}
