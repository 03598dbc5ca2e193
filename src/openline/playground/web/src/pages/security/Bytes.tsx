/** Bytes as a tap shows them: in hexadecimal, and as letters where they are some. */

const ROW = 8;

interface BytesProps {
  hex: string;
  /** How many bytes of the beginning are a header. */
  header?: number;
  rows?: number;
}

export function Bytes({ hex, header = 0, rows = 5 }: BytesProps) {
  const bytes = bytesOf(hex);
  const shown = bytes.slice(0, rows * ROW);
  const lines: number[][] = [];
  for (let at = 0; at < shown.length; at += ROW) lines.push([...shown.slice(at, at + ROW)]);
  return (
    <div class="bytes">
      {lines.map((line, row) => (
        <p key={row}>
          <code class="hex">
            {line.map((byte, column) => (
              <span key={column} class={row * ROW + column < header ? "of-header" : undefined}>
                {byte.toString(16).padStart(2, "0")}{" "}
              </span>
            ))}
          </code>
          <code class="letters">{line.map(letter).join("")}</code>
        </p>
      ))}
      {bytes.length > shown.length && <p class="quiet">…</p>}
    </div>
  );
}

export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function letter(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·";
}
