// Markup from template literals in which everything put in is escaped unless it is markup already. It knows no page.

/** Text that may stand in HTML or SVG as it is. */
export interface Markup {
  readonly markup: string;
}

export type Part = Markup | string | number | null | readonly Part[];

/** Builds markup: strings and numbers are escaped, markup and lists of it go in as they are, null is left out. */
export function html(pieces: TemplateStringsArray, ...parts: Part[]): Markup {
  return { markup: pieces.reduce((text, piece, i) => text + render(parts[i - 1]) + piece) };
}

/** Text of our own that is markup already, such as a style sheet. */
export function trusted(markup: string): Markup {
  return { markup };
}

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]);
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function render(part: Part): string {
  if (part === null) return "";
  if (typeof part === "string" || typeof part === "number") return escapeText(String(part));
  return isList(part) ? part.map(render).join("") : part.markup;
}

function isList(part: Markup | readonly Part[]): part is readonly Part[] {
  return Array.isArray(part);
}
