/** Python in colours: just enough to read it by, and nothing that could make a mistake in what it says. */

export type Kind = "plain" | "comment" | "string" | "keyword" | "decorator" | "number" | "name";

const KEYWORDS =
  "False None True and as assert async await break class continue def del elif else except finally for from global if import " +
  "in is lambda match nonlocal not or pass raise return try while with yield";

const FORMS: [Kind, string][] = [
  ["comment", "#[^\\n]*"],
  ["string", '[rbfRBF]{0,2}(?:"""[\\s\\S]*?"""|"(?:[^"\\\\\\n]|\\\\.)*"|\'(?:[^\'\\\\\\n]|\\\\.)*\')'],
  ["decorator", "^[ \\t]*@[\\w.]+"],
  ["keyword", `\\b(?:${KEYWORDS.split(" ").join("|")})\\b`],
  ["name", "(?<=\\b(?:def|class) )\\w+"],
  ["number", "\\b\\d[\\d_.]*(?:e[+-]?\\d+)?\\b"],
];

const PATTERN = new RegExp(FORMS.map(([kind, form]) => `(?<${kind}>${form})`).join("|"), "gm");

/** Cut code into pieces; joined, they are the code again. */
export function tokens(code: string): [Kind, string][] {
  const found: [Kind, string][] = [];
  let end = 0;
  for (const match of code.matchAll(PATTERN)) {
    if (match.index > end) found.push(["plain", code.slice(end, match.index)]);
    const kind = FORMS.find(([name]) => match.groups?.[name] !== undefined)![0];
    found.push([kind, match[0]]);
    end = match.index + match[0].length;
  }
  if (end < code.length) found.push(["plain", code.slice(end)]);
  return found;
}
