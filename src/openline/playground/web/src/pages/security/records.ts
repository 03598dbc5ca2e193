/** What the tap tells: what somebody on the wire makes of the bytes. */

export type Over = "ws" | "wss";

interface Common {
  over: Over;
  from: "page" | "server";
  /** Tells connections apart. */
  line: number;
}

export interface HTTPHead extends Common {
  kind: "http";
  lines: string[];
}

export interface OverheardFrame extends Common {
  kind: "frame";
  opcode: number;
  length: number;
  header: string;
  mask: string | null;
  wire: string;
  text: string | null;
}

export interface TLSRecord extends Common {
  kind: "tls";
  type: number;
  name: string;
  version: number;
  length: number;
  header: string;
  wire: string;
  server_name: string | null;
}

export interface Garbled extends Common {
  kind: "garbled";
}

export interface Ended extends Common {
  kind: "ended";
}

export interface Refused {
  kind: "refused";
  status: number;
  origin: string | null;
  host: string | null;
  cookie: boolean;
}

export interface Missed {
  kind: "missed";
  count: number;
}

export type OnTheWire = HTTPHead | OverheardFrame | TLSRecord | Garbled | Ended;
export type Told = OnTheWire | Refused | Missed;

export interface CertificateText {
  subject: string;
  issuer: string;
  self_signed: boolean;
  from: string;
  until: string;
  names: string[];
  key: string;
  fingerprint: string;
}
