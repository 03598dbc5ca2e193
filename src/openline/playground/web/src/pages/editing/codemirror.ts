/** The editor: CodeMirror with Markdown that looks like what it means, bound to the shared text. */

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { markdown } from "@codemirror/lang-markdown";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { minimalSetup } from "codemirror";
import { yCollab, yUndoManagerKeymap } from "y-codemirror.next";

import hues from "../../visitor/avatar.css?inline";
import { theirCursors } from "./cursors";
import sheet from "./editor.css?inline";
import type { SharedDocument } from "./shared";

const looks = HighlightStyle.define([
  { tag: tags.heading1, class: "md-h1" },
  { tag: tags.heading2, class: "md-h2" },
  { tag: [tags.heading3, tags.heading4, tags.heading5, tags.heading6], class: "md-h3" },
  { tag: tags.strong, class: "md-strong" },
  { tag: tags.emphasis, class: "md-emphasis" },
  { tag: tags.strikethrough, class: "md-struck" },
  { tag: [tags.link, tags.url], class: "md-link" },
  { tag: tags.monospace, class: "md-code" },
  { tag: tags.quote, class: "md-quote" },
  { tag: [tags.processingInstruction, tags.contentSeparator], class: "md-mark" },
]);

/**
 * Make the editor, in a shadow root: there it brings its styles as sheets, and not as elements, which this page's
 * Content-Security-Policy forbids.
 */
export function editorIn(parent: HTMLElement, shared: SharedDocument): EditorView {
  const root = parent.shadowRoot ?? parent.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [hues, sheet].map((text) => {
    const own = new CSSStyleSheet();
    own.replaceSync(text);
    return own;
  });
  return new EditorView({
    parent: root,
    root,
    state: EditorState.create({
      doc: shared.text.toString(),
      extensions: [
        // Undo takes back what was typed here, and never what others typed.
        Prec.high(keymap.of(yUndoManagerKeymap)),
        yCollab(shared.text, null, { undoManager: shared.undo }),
        theirCursors(shared.text, shared.awareness),
        minimalSetup,
        markdown({ addKeymap: true }),
        syntaxHighlighting(looks),
        EditorView.lineWrapping,
        placeholder("Nothing is written here yet."),
        EditorState.readOnly.of(shared.readOnly),
        EditorView.editable.of(!shared.readOnly),
        EditorView.contentAttributes.of({ "aria-label": "Document", spellcheck: "false", tabindex: "0" }),
      ],
    }),
  });
}
