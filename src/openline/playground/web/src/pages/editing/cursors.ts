/** The others' cursors and selections in the editor, with their names: drawn by classes, since styles in line are forbidden here. */

import { Annotation, RangeSet, type Extension, type Range } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, ViewPlugin, type ViewUpdate, WidgetType } from "@codemirror/view";
import type { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";

interface Cursor {
  anchor: unknown;
  head: unknown;
}

interface Said {
  user?: { name?: unknown; color?: unknown };
  cursor?: Cursor | null;
}

const moved = Annotation.define<boolean>();

class Caret extends WidgetType {
  constructor(
    readonly name: string,
    readonly color: number,
  ) {
    super();
  }

  override eq(other: Caret): boolean {
    return other.name === this.name && other.color === this.color;
  }

  override toDOM(): HTMLElement {
    const caret = document.createElement("span");
    caret.className = `their-caret tint-${this.color}`;
    caret.setAttribute("aria-hidden", "true");
    const flag = document.createElement("span");
    flag.className = "their-name";
    flag.textContent = this.name;
    caret.append("\u2060", flag, "\u2060");
    return caret;
  }

  override updateDOM(): boolean {
    return false;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

class Cursors {
  decorations: DecorationSet = RangeSet.empty;
  private readonly stop: () => void;

  constructor(
    private readonly view: EditorView,
    private readonly text: Y.Text,
    private readonly awareness: Awareness,
  ) {
    const redraw = ({ added, updated, removed }: Record<"added" | "updated" | "removed", number[]>) => {
      if ([...added, ...updated, ...removed].some((client) => client !== awareness.doc.clientID))
        view.dispatch({ annotations: [moved.of(true)] });
    };
    awareness.on("change", redraw);
    this.stop = () => awareness.off("change", redraw);
  }

  destroy(): void {
    this.stop();
  }

  update(update: ViewUpdate): void {
    const { awareness, text } = this;
    this.sayWhere(update);
    const ranges: Range<Decoration>[] = [];
    for (const [client, state] of awareness.getStates()) {
      const { user, cursor } = state as Said;
      if (client === awareness.doc.clientID || !cursor) continue;
      const anchor = placed(cursor.anchor, text);
      const head = placed(cursor.head, text);
      if (anchor === null || head === null) continue;
      const name = typeof user?.name === "string" ? user.name.slice(0, 32) : "Somebody";
      const color = typeof user?.color === "number" ? Math.abs(Math.floor(user.color)) % 8 || 0 : 0;
      const [from, to] = anchor < head ? [anchor, head] : [head, anchor];
      if (from < to) ranges.push(Decoration.mark({ class: `their-selection tint-${color}` }).range(from, to));
      ranges.push(Decoration.widget({ widget: new Caret(name, color), side: head - anchor > 0 ? -1 : 1 }).range(head));
    }
    this.decorations = Decoration.set(ranges, true);
  }

  /** Tell the others where this page's cursor is; nowhere, while the window has not the focus. */
  private sayWhere({ state }: ViewUpdate): void {
    const { awareness, text } = this;
    const said = (awareness.getLocalState() as Said | null)?.cursor ?? null;
    if (!this.view.hasFocus || !this.view.dom.ownerDocument.hasFocus()) {
      if (said) awareness.setLocalStateField("cursor", null);
      return;
    }
    const { anchor, head } = state.selection.main;
    const at = {
      anchor: Y.createRelativePositionFromTypeIndex(text, anchor),
      head: Y.createRelativePositionFromTypeIndex(text, head),
    };
    if (said && same(said.anchor, at.anchor) && same(said.head, at.head)) return;
    awareness.setLocalStateField("cursor", at);
  }
}

function same(said: unknown, at: Y.RelativePosition): boolean {
  return Y.compareRelativePositions(Y.createRelativePositionFromJSON(said), at);
}

/** Where a cursor is now; null: nowhere in this text. What others say may be anything. */
function placed(said: unknown, text: Y.Text): number | null {
  try {
    const at = Y.createAbsolutePositionFromRelativePosition(Y.createRelativePositionFromJSON(said), text.doc!);
    return at && at.type === text ? Math.min(at.index, text.length) : null;
  } catch {
    return null;
  }
}

export function theirCursors(text: Y.Text, awareness: Awareness): Extension {
  return ViewPlugin.define((view) => new Cursors(view, text, awareness), {
    decorations: (plugin) => plugin.decorations,
  });
}
