// A line of the log as it is shown: colours of terminals, links, found words; never anything that is read as HTML.

import type { ComponentChildren } from "preact";

const MESSAGE_KEYS = ["message", "msg", "event", "text"];
const LEVEL_KEYS = ["level", "lvl", "severity", "levelname"];
const TIME_KEYS = ["time", "timestamp", "ts", "@timestamp", "t"];

// Every control sequence; those that end in `m` say how text looks, the others move a cursor that is not there.
// eslint-disable-next-line no-control-regex
const ESCAPE = /\x1b(?:\[([0-9;:?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])/g;
const URL_PATTERN = /https?:\/\/[^\s"'<>`]+[^\s"'<>`.,;:!?)\]}]/g;

interface Style {
  fg: string;
  bg: string;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
}

interface Piece {
  text: string;
  style: Style;
}

const PLAIN: Style = { fg: "", bg: "", bold: false, dim: false, italic: false, underline: false };

/** A JSON line as `level message key=value`; any other line as it is. */
export function unfolded(text: string): string {
  const fields = json(text);
  if (!fields) return text;
  const message = MESSAGE_KEYS.find((key) => typeof fields[key] === "string");
  if (message === undefined) return text;
  const level = LEVEL_KEYS.find((key) => typeof fields[key] === "string");
  const words = level ? [String(fields[level]).toLowerCase()] : [];
  words.push(String(fields[message]));
  for (const [key, value] of Object.entries(fields)) {
    if (key !== message && key !== level && !TIME_KEYS.includes(key)) words.push(`${key}=${shown(value)}`);
  }
  return words.join(" ");
}

/** The object that a line is, or null. */
export function json(text: string): Record<string, unknown> | null {
  if (!text.startsWith("{") || !text.trimEnd().endsWith("}")) return null;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
}

function shown(value: unknown): string {
  return typeof value === "string" && value && !/[\s="]/.test(value) ? value : JSON.stringify(value);
}

/** The text alone. */
export function stripped(text: string): string {
  return text.includes("\x1b") ? text.replace(ESCAPE, "") : text;
}

function pieces(text: string): Piece[] {
  if (!text.includes("\x1b")) return [{ text, style: PLAIN }];
  const found: Piece[] = [];
  let style = PLAIN;
  let at = 0;
  for (const match of text.matchAll(ESCAPE)) {
    if (match.index > at) found.push({ text: text.slice(at, match.index), style });
    at = match.index + match[0].length;
    if (match[2] === "m") style = styled(style, match[1] ?? "");
  }
  if (at < text.length) found.push({ text: text.slice(at), style });
  return found;
}

function styled(before: Style, codes: string): Style {
  const style = { ...before };
  const numbers = codes.split(/[;:]/).map((code) => Number(code || "0"));
  for (let at = 0; at < numbers.length; at++) {
    const code = numbers[at] ?? 0;
    if (code === 0) Object.assign(style, PLAIN);
    else if (code === 1) style.bold = true;
    else if (code === 2) style.dim = true;
    else if (code === 3) style.italic = true;
    else if (code === 4) style.underline = true;
    else if (code === 22) style.bold = style.dim = false;
    else if (code === 23) style.italic = false;
    else if (code === 24) style.underline = false;
    else if (code >= 30 && code <= 37) style.fg = `var(--ansi-${code - 30})`;
    else if (code >= 90 && code <= 97) style.fg = `var(--ansi-${code - 82})`;
    else if (code >= 40 && code <= 47) style.bg = `var(--ansi-${code - 40})`;
    else if (code >= 100 && code <= 107) style.bg = `var(--ansi-${code - 92})`;
    else if (code === 39) style.fg = "";
    else if (code === 49) style.bg = "";
    else if (code === 38 || code === 48) {
      const [colour, used] = extended(numbers, at + 1);
      if (code === 38) style.fg = colour;
      else style.bg = colour;
      at += used;
    }
  }
  return style;
}

function extended(numbers: number[], at: number): [string, number] {
  const [kind, a = 0, b = 0, c = 0] = numbers.slice(at, at + 4);
  if (kind === 2) return [`rgb(${a & 255} ${b & 255} ${c & 255})`, 4];
  if (kind !== 5) return ["", 1];
  if (a < 16) return [`var(--ansi-${a})`, 2];
  if (a >= 232) return [`rgb(${Array(3).fill(8 + (a - 232) * 10).join(" ")})`, 2];
  const part = (value: number) => (value ? 55 + value * 40 : 0);
  const cube = a - 16;
  return [`rgb(${part(Math.floor(cube / 36))} ${part(Math.floor(cube / 6) % 6)} ${part(cube % 6)})`, 2];
}

/** The colour of text on a background: those of terminals were chosen to be read on the page, and so the page on them. */
function onto(bg: string, fg: string): string {
  if (!bg) return fg;
  const parts = /rgb\((\d+) (\d+) (\d+)\)/.exec(bg);
  if (!parts) return "var(--bg)";
  const [red = 0, green = 0, blue = 0] = parts.slice(1).map(Number);
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? "#000" : "#fff";
}

/** The drawn text. */
export function drawn(text: string, found: RegExp | null): ComponentChildren {
  return pieces(text).map(({ text: part, style }) => {
    const content = linked(part, found);
    if (style === PLAIN) return content;
    return (
      <span
        style={{
          color: onto(style.bg, style.fg) || undefined,
          background: style.bg || undefined,
          fontWeight: style.bold ? 600 : undefined,
          opacity: style.dim ? 0.7 : undefined,
          fontStyle: style.italic ? "italic" : undefined,
          textDecoration: style.underline ? "underline" : undefined,
        }}
      >
        {content}
      </span>
    );
  });
}

function linked(text: string, found: RegExp | null): ComponentChildren {
  if (!text.includes("://")) return marked(text, found);
  const parts: ComponentChildren[] = [];
  let at = 0;
  for (const match of text.matchAll(URL_PATTERN)) {
    parts.push(marked(text.slice(at, match.index), found));
    parts.push(
      <a href={match[0]} target="_blank" rel="noreferrer noopener">
        {marked(match[0], found)}
      </a>,
    );
    at = match.index + match[0].length;
  }
  return [...parts, marked(text.slice(at), found)];
}

function marked(text: string, found: RegExp | null): ComponentChildren {
  if (!found || !text) return text;
  const parts: ComponentChildren[] = [];
  let at = 0;
  for (const match of text.matchAll(found)) {
    if (!match[0]) continue;
    parts.push(text.slice(at, match.index), <mark>{match[0]}</mark>);
    at = match.index + match[0].length;
  }
  return at ? [...parts, text.slice(at)] : text;
}

/** What is searched for, or why it is not. */
export interface Pattern {
  found: RegExp | null;
  bad: string;
}

/** What somebody searches for: words, or a regular expression between slashes; capital letters count if there are some. */
export function pattern(words: string): Pattern {
  if (!words) return { found: null, bad: "" };
  const written = /^\/(.+)\/$/.exec(words);
  const source = written ? (written[1] ?? "") : words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  try {
    const found = new RegExp(source, words === words.toLowerCase() ? "gi" : "g");
    return isEndless(source) ? { found: null, bad: "not searched for: a repetition within a repetition may take for ever" } : { found, bad: "" };
  } catch {
    return { found: null, bad: "this is no regular expression" };
  }
}

/** A group of a regular expression that was not closed yet. */
interface Group {
  /** Is there something in it that may be repeated any number of times? */
  repeats: boolean;
  /** How its alternatives begin: a letter, or empty where it may be anything. */
  begins: string[];
  /** Is the next thing the first one of an alternative? */
  fresh: boolean;
}

/**
 * Does a regular expression repeat what may match the same text in many ways? Nobody can stop a browser that tries them
 * all, which for a line of thirty letters takes minutes.
 */
function isEndless(source: string): boolean {
  const open: Group[] = [{ repeats: false, begins: [], fresh: true }];
  let closed: Group | null = null;
  for (const [token] of source.matchAll(/\\.|\[(?:\\.|[^\]\\])*\]|\(\?(?:[:=!]|<[=!]|<\w+>)|[*+]\??|\{\d+,\d*\}\??|./gs)) {
    const group = open[open.length - 1];
    if (!group) return false;
    if (token.startsWith("(")) {
      if (group.fresh) group.begins.push("");
      group.fresh = false;
      open.push({ repeats: false, begins: [], fresh: true });
    } else if (token === "|") {
      if (group.fresh) group.begins.push("");
      group.fresh = true;
    } else if (/^[*+]|^\{./.test(token)) {
      if (closed && (closed.repeats || isAmbiguous(closed))) return true;
      group.repeats = true;
    } else if (token !== ")") {
      if (group.fresh) group.begins.push(/^\w$/.test(token) ? token.toLowerCase() : "");
      group.fresh = false;
    }
    closed = token === ")" ? (open.pop() ?? null) : null;
    if (closed?.repeats) for (const outer of open.slice(-1)) outer.repeats = true;
  }
  return false;
}

/** May two alternatives begin with the same letter? */
function isAmbiguous({ begins }: Group): boolean {
  return begins.length > 1 && (begins.includes("") || new Set(begins).size < begins.length);
}

const ANY_CASE = "(?i)";

/** The same regular expression for the session, which searches what is stored. */
export function inPython(found: RegExp): string {
  return (found.flags.includes("i") ? ANY_CASE : "") + found.source;
}

export function fromPython(text: string): RegExp {
  return text.startsWith(ANY_CASE) ? new RegExp(text.slice(ANY_CASE.length), "i") : new RegExp(text);
}
