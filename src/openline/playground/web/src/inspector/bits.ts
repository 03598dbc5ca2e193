/** A frame's header as the fields of RFC 6455, section 5.2, bit by bit. */

import { opcodes } from "./opcodes";
import type { Frame } from "./records";
import { reservedBits } from "./wording";

export type FieldKey = "fin" | "rsv" | "opcode" | "masked" | "length" | "extended" | "key";

export interface Field {
  key: FieldKey;
  label: string;
  bits: string;
  value: string;
  meaning: string;
  section: string;
}

const SHORT_16 = 126;
const SHORT_64 = 127;

export function fieldsOf(frame: Frame): Field[] {
  const bytes = bytesOf(frame.header);
  const bits = bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const short = (bytes[1] ?? 0) & 0x7f;
  const extended = short === SHORT_64 ? 64 : short === SHORT_16 ? 16 : 0;
  const fields: Field[] = [
    { key: "fin", label: "FIN", bits: bits.slice(0, 1), section: "5.2", ...final(frame) },
    { key: "rsv", label: "RSV", bits: bits.slice(1, 4), section: "5.2", ...reserved(frame) },
    { key: "opcode", label: "opcode", bits: bits.slice(4, 8), ...opcode(frame) },
    { key: "masked", label: "MASK", bits: bits.slice(8, 9), section: "5.3", ...masked(frame) },
    { key: "length", label: "length", bits: bits.slice(9, 16), section: "5.2", ...length(short) },
  ];
  if (extended)
    fields.push({
      key: "extended",
      label: "extended length",
      bits: bits.slice(16, 16 + extended),
      value: frame.length.toLocaleString("en"),
      meaning: `The payload's length in ${extended / 8} bytes, most significant first.`,
      section: "5.2",
    });
  if (frame.mask)
    fields.push({
      key: "key",
      label: "masking key",
      bits: bits.slice(16 + extended),
      value: spaced(frame.mask),
      meaning: "Four random bytes, new for each frame. Every payload byte is XORed with one of them in turn.",
      section: "5.3",
    });
  return fields;
}

function final(frame: Frame) {
  if (!frame.fin) return { value: "0", meaning: "More fragments of this message follow." };
  return {
    value: "1",
    meaning: frame.opcode === 0 ? "This fragment is the message's last." : "The message ends with this frame.",
  };
}

function reserved(frame: Frame) {
  const value = reservedBits(frame);
  if (frame.rsv === 0) return { value, meaning: "Zero, since no extension was agreed on that uses them." };
  return { value, meaning: "RSV1 is set: permessage-deflate has compressed this message (RFC 7692)." };
}

function opcode(frame: Frame) {
  const known = opcodes[frame.opcode];
  const value = `0x${frame.opcode.toString(16).toUpperCase()} ${known?.name ?? "reserved"}`;
  return { value, meaning: known?.meaning ?? "Not defined by the RFC.", section: known?.section ?? "5.2" };
}

function masked(frame: Frame) {
  if (frame.mask)
    return { value: "1", meaning: "Masked, as every frame from a client must be, so that it cannot fake another protocol." };
  return { value: "0", meaning: "Not masked: a server must never mask." };
}

function length(short: number) {
  const value = String(short);
  if (short === SHORT_16) return { value, meaning: "126 says: the length stands in the next 2 bytes." };
  if (short === SHORT_64) return { value, meaning: "127 says: the length stands in the next 8 bytes." };
  return { value, meaning: "Up to 125 bytes fit in these seven bits; no further length bytes follow." };
}

export function bytesOf(hex: string): number[] {
  return Array.from({ length: hex.length / 2 }, (_, index) => parseInt(hex.slice(2 * index, 2 * index + 2), 16));
}

export function spaced(hex: string): string {
  return hex.replace(/..(?=.)/g, "$& ");
}
