/** Counts what arrives on a line, before anybody reads it. */

export interface Patch {
  /** Bytes of the payload as it was sent. */
  sent: number;
  /** Whether that was a patch, and not the whole. */
  patch: boolean;
}

export class Meter {
  bytes = 0;
  frames = 0;
  /** The newest payload of the watched channel. */
  patch: Patch | null = null;

  constructor(private readonly channel = "") {}

  /** A WebSocket that tells this meter; for centrifuge-js, which makes its own. */
  readonly Socket = ((meter: Meter) =>
    class extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        this.addEventListener("message", (event: MessageEvent<unknown>) => {
          if (typeof event.data === "string") meter.take(event.data);
        });
      }
    })(this);

  private take(frame: string): void {
    this.bytes += frame.length; // all of it is ASCII: symbols and numbers
    if (frame.startsWith('{"push":{"channel":"market:')) this.frames += 1;
    if (!this.channel || !frame.includes(`"channel":"${this.channel}"`)) return;
    for (const line of frame.split("\n")) {
      const pub = (JSON.parse(line) as { push?: { channel?: string; pub?: { data: unknown; delta?: boolean } } }).push;
      if (pub?.channel === this.channel && pub.pub)
        this.patch = { sent: String(pub.pub.data).length, patch: pub.pub.delta === true };
    }
  }
}
