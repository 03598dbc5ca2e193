/** One frame taken apart: its header bit by bit, and its payload before and after unmasking. */

import { useState } from "preact/hooks";

import { bytesOf, fieldsOf, type Field, type FieldKey } from "./bits";
import type { Frame } from "./records";
import { character } from "./wording";

export function FrameDetail({ frame }: { frame: Frame }) {
  const [marked, setMarked] = useState<FieldKey | null>(null);
  const fields = fieldsOf(frame);
  return (
    <div class="detail" role="region" aria-label="The frame's header, bit by bit">
      <BitPicture fields={fields} marked={marked} mark={setMarked} />
      <dl class="fields">
        {fields.map((field) => (
          <div
            key={field.key}
            class={`field field-${field.key} ${marked === field.key ? "marked" : ""}`}
            onMouseEnter={() => setMarked(field.key)}
            onMouseLeave={() => setMarked(null)}
          >
            <dt>
              {field.label} <code>{field.value}</code>
            </dt>
            <dd>
              {field.meaning} <span class="section">§ {field.section}</span>
            </dd>
          </div>
        ))}
      </dl>
      <Payload frame={frame} />
    </div>
  );
}

interface PictureProps {
  fields: Field[];
  marked: FieldKey | null;
  mark(field: FieldKey | null): void;
}

/** The picture of section 5.2, with this frame's own bits in it. What it shows is said in words by the list beside it. */
function BitPicture({ fields, marked, mark }: PictureProps) {
  return (
    <div class="bits" aria-hidden="true" onMouseLeave={() => mark(null)}>
      {fields.flatMap((field) =>
        [...field.bits].map((bit, index) => (
          <span
            key={`${field.key}${index}`}
            class={`bit field-${field.key} ${index === 0 ? "first" : ""} ${marked === field.key ? "marked" : ""}`}
            onMouseEnter={() => mark(field.key)}
          >
            {index === 0 && <span class="bit-label">{field.label}</span>}
            {bit}
          </span>
        )),
      )}
    </div>
  );
}

const SHOWN = 16; // payload bytes in the table

function Payload({ frame }: { frame: Frame }) {
  const payload = bytesOf(frame.payload).slice(0, SHOWN);
  if (payload.length === 0) return null;
  const wire = bytesOf(frame.wire);
  const key = frame.mask ? bytesOf(frame.mask) : null;
  return (
    <figure class="payload">
      <figcaption>
        {key
          ? "Unmasking: each byte on the wire XOR its byte of the key gives the payload."
          : "The payload stands on the wire as it is."}
        {frame.length > payload.length && ` The first ${payload.length} of ${frame.length.toLocaleString("en")} bytes:`}
      </figcaption>
      <div class="payload-bytes" tabIndex={0} role="group" aria-label="The payload's first bytes">
        <table>
          <tbody>
            {key && (
              <>
                <ByteRow title="on the wire" bytes={wire.slice(0, SHOWN)} />
                <ByteRow title="XOR key" class="field-key" bytes={payload.map((_, index) => key[index % key.length] ?? 0)} />
              </>
            )}
            <ByteRow title={key ? "= payload" : "payload"} class={key ? "result" : ""} bytes={payload} />
            <tr class="characters">
              <th scope="row">as text</th>
              {payload.map((byte, index) => (
                <td key={index}>{character(byte)}</td>
              ))}
            </tr>
          </tbody>
        </table>
      </div>
    </figure>
  );
}

function ByteRow({ title, bytes, class: kind = "" }: { title: string; bytes: number[]; class?: string }) {
  return (
    <tr class={kind}>
      <th scope="row">{title}</th>
      {bytes.map((byte, index) => (
        <td key={index}>{byte.toString(16).padStart(2, "0")}</td>
      ))}
    </tr>
  );
}
