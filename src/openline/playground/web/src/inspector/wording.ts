/** How frames are put into words. */

import { bytesOf } from "./bits";
import type { Frame } from "./records";

const CONT = 0x0;
const TEXT = 0x1;
const CLOSE = 0x8;
const CODE_SIZE = 2; // of a Close frame's payload (RFC 6455, section 5.5.1)

export function clock(at: number): string {
  const time = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  const seconds = `${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, "0")}`;
  return `${two(time.getHours())}:${two(time.getMinutes())}:${seconds}`;
}

/** RSV1, RSV2 and RSV3, which the header has at 0x40, 0x20 and 0x10. */
export function reservedBits(frame: Frame): string {
  return (frame.rsv >> 4).toString(2).padStart(3, "0");
}

/** The payload's beginning: as text where it is text, a Close frame by its code and reason, otherwise in hex. */
export function preview(frame: Frame): string {
  const bytes = bytesOf(frame.payload);
  if (bytes.length === 0) return frame.length === 0 ? "empty" : "";
  const more = frame.length > bytes.length ? "…" : "";
  if (frame.opcode === CLOSE && bytes.length >= CODE_SIZE) {
    const code = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
    return `${code} ${text(bytes.slice(CODE_SIZE)) ?? ""}`.trim();
  }
  const readable = frame.opcode === TEXT || frame.opcode === CONT ? text(bytes) : null;
  if (readable !== null) return readable + more;
  const hex = bytes.slice(0, 20).map((byte) => byte.toString(16).padStart(2, "0"));
  return hex.join(" ") + (frame.length > 20 ? " …" : "");
}

/** The bytes as text; null where they are none. A character that is cut off at the end is left out. */
export function text(bytes: number[]): string | null {
  try {
    const decoded = new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(bytes), { stream: true });
    return /[\u0000-\u0008\u000e-\u001f]/.test(decoded) ? null : decoded;
  } catch {
    return null;
  }
}

/** A byte as a character, or a dot for what has no shape of its own. */
export function character(byte: number): string {
  return byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : byte === 0x20 ? "␣" : "·";
}

export function bytesInWords(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 1_000_000) return `${(count / 1000).toFixed(1)} kB`;
  return `${(count / 1_000_000).toFixed(1)} MB`;
}
