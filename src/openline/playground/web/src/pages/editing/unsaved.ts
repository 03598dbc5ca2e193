/**
 * Which edits of this page the server has not stored yet.
 *
 * The protocol has no acknowledgement, but this server sends each update back to who made it, once it is stored. What an
 * update brings is told by its structs (by client and clock) and by what it deletes; the same is known of each edit here.
 */

import * as Y from "yjs";

interface Range {
  client: number;
  clock: number;
  end: number;
}

interface Edit {
  /** The clock behind its structs; 0: it only deletes. */
  clock: number;
  deletes: Range[];
}

export class Unsaved {
  private edits: Edit[] = [];

  constructor(private readonly doc: Y.Doc) {}

  get count(): number {
    return this.edits.length;
  }

  /** This page has made an update. */
  made(update: Uint8Array): void {
    this.edits.push({ clock: this.clockIn(update), deletes: deletesOf(update) });
  }

  /** The server has sent an update: what is in it, it has. */
  confirm(update: Uint8Array): void {
    if (this.edits.length) this.drop(this.clockIn(update), deletesOf(update));
  }

  /** The server has said how far it is. */
  confirmState(vector: Uint8Array): void {
    if (this.edits.length) this.drop(Y.decodeStateVector(vector).get(this.doc.clientID) ?? 0, []);
  }

  private drop(clock: number, deletes: Range[]): void {
    this.edits = this.edits.filter(
      (edit) => edit.clock > clock || !edit.deletes.every((one) => deletes.some((range) => covers(range, one))),
    );
  }

  private clockIn(update: Uint8Array): number {
    return Y.parseUpdateMeta(update).to.get(this.doc.clientID) ?? 0;
  }
}

function covers(range: Range, one: Range): boolean {
  return range.client === one.client && range.clock <= one.clock && range.end >= one.end;
}

function deletesOf(update: Uint8Array): Range[] {
  return [...Y.decodeUpdate(update).ds.clients].flatMap(([client, items]) =>
    items.map(({ clock, len }) => ({ client, clock, end: clock + len })),
  );
}
