/** One WebSocket to the playground's server, opened again whenever it is lost. */

export type LineState = "connecting" | "open" | "lost";

export interface LineEvents {
  /** A message came. Text is parsed as JSON where it is JSON; anything else is handed on as it is. */
  message(data: unknown): void;
  state(state: LineState): void;
}

const FIRST_DELAY = 500; // milliseconds
const LONGEST_DELAY = 10_000;

export class Line {
  private socket: WebSocket | null = null;
  private timer = 0;
  private failures = 0;

  constructor(
    private readonly path: string,
    private readonly events: LineEvents,
  ) {}

  open(): void {
    this.events.state("connecting");
    const url = new URL(this.path, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = (this.socket = new WebSocket(url));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.failures = 0;
      this.events.state("open");
    };
    socket.onmessage = (event: MessageEvent<unknown>) => this.events.message(parsed(event.data));
    socket.onclose = () => {
      if (this.socket === socket) this.again();
    };
  }

  /** Send a message as JSON. False where the line is not open: the message is not kept for later. */
  send(message: object): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** Close the line for good. */
  end(): void {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close(1000);
  }

  private again(): void {
    this.events.state("lost");
    // Exponential, and anywhere in it: a server that returns does not meet all its visitors in the same instant.
    const longest = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.failures);
    this.failures += 1;
    this.timer = window.setTimeout(() => this.open(), longest * (0.5 + Math.random() / 2));
  }
}

function parsed(data: unknown): unknown {
  if (typeof data !== "string") return data;
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return data;
  }
}
