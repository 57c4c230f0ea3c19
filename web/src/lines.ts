// Lines of the log as the page holds them, and how they come: in blocks.

import type { Block, Line as WireLine } from "./wire";

/** A line; or a gap, which stands where lines between those that are found are left out. */
export type Line = WireLine & { gap?: boolean };

export function linesOf(blocks: readonly Block[]): Line[] {
  const found: Line[] = [];
  for (const { number, time, source, text } of blocks) {
    let at = number;
    for (const line of text.split("\n")) found.push({ ...source, number: at++, time, text: line });
  }
  return found;
}

/** Between two lines, of which only the second is known. */
export function gapBefore(line: Line): Line {
  return { number: line.number - 0.5, time: line.time, resource: "", span: "", text: "", gap: true };
}

/** Lines of progress replace the earlier one of the same thing; those before `from` were folded already. */
export function fold(lines: Line[], from: number): Line[] {
  if (!lines.slice(from).some((line) => line.progress)) return lines;
  const places = new Map<string, number>();
  const found: Line[] = [];
  for (const line of lines) {
    const key = line.progress ? `${line.span} ${line.progress}` : "";
    const at = key ? places.get(key) : undefined;
    const before = at === undefined ? undefined : found[at];
    if (at !== undefined && before) found[at] = { ...line, number: before.number };
    else {
      if (key) places.set(key, found.length);
      found.push(line);
    }
  }
  return found;
}
