// What the page asks the session to do. Every failure is said where a person sees it.

import { signal } from "@preact/signals";
import { snapshot } from "./snapshot";
import { fromPython } from "./text";
import { gapBefore, linesOf, type Line } from "./lines";
import type { Block, Detail, Lane, UIButtonStatus } from "./wire";

const WEB_TRIGGER = 16;
const SHOWN_MS = 8000;

export interface Toast {
  id: number;
  text: string;
  bad: boolean;
  undo?: (() => void) | undefined;
}

export const toasts = signal<Toast[]>([]);
let lastToast = 0;

export function say(text: string, bad = false, undo?: () => void): void {
  const id = ++lastToast;
  toasts.value = [...toasts.value.slice(-3), { id, text, bad, undo }];
  setTimeout(() => dismiss(id), SHOWN_MS);
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((each) => each.id !== id);
}

async function ask(path: string, init?: RequestInit): Promise<Response> {
  const answer = await fetch(path, init);
  if (!answer.ok) throw new Error((await answer.text()).trim() || `${path}: status ${answer.status}`);
  return answer;
}

async function send(method: string, path: string, body: unknown): Promise<boolean> {
  if (snapshot) {
    say("this is a snapshot: nothing runs here", true);
    return false;
  }
  try {
    const answer = await ask(path, { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
    const refusal = (await answer.text()).trim();
    if (method === "POST" && refusal) say(refusal, true);
    return !refusal || method !== "POST";
  } catch (problem) {
    say(problem instanceof Error ? problem.message : String(problem), true);
    return false;
  }
}

export async function trigger(names: readonly string[]): Promise<void> {
  for (const name of names) await send("POST", "/api/trigger", { manifest_names: [name], build_reason: WEB_TRIGGER });
}

export async function setEnabled(names: readonly string[], enabled: boolean): Promise<void> {
  if (!(await send("POST", "/api/enable", { names, enabled }))) return;
  const what = names.length === 1 ? names[0] : `${names.length} resources`;
  say(`${enabled ? "enabled" : "disabled"} ${what}`, false, () => void setEnabled(names, !enabled));
}

export function setArgs(args: readonly string[]): Promise<boolean> {
  return send("POST", "/api/args", args);
}

export function click(name: string, status: UIButtonStatus): Promise<boolean> {
  const path = `/apis/tilt.dev/v1alpha1/uibuttons/${encodeURIComponent(name)}/status`;
  return send("PATCH", path, { status });
}

export async function detail(name: string): Promise<Detail> {
  const kept = snapshot?.details[name];
  if (kept) return kept;
  return (await (await ask(`/api/detail/${encodeURIComponent(name)}`)).json()) as Detail;
}

export async function lanes(): Promise<Lane[]> {
  if (snapshot) return Object.values(snapshot.details);
  return (await (await ask("/api/updates")).json()) as Lane[];
}

export interface LogQuery {
  resources: readonly string[];
  source: string;
  atLeast: string;
  /** RFC 3339, or empty. */
  since: string;
  until: string;
  /** Only lines with this regular expression; empty: all. */
  grep: string;
  /** So many lines around each that is found. */
  context: number;
}

/** The address of the log as the session answers with it. */
export function logAddress(query: LogQuery, more: Record<string, string | number>): string {
  const wanted = new URLSearchParams();
  for (const name of query.resources) wanted.append("resource", name);
  if (query.source !== "all") wanted.set("source", query.source);
  if (query.atLeast) wanted.set("at_least", query.atLeast.toLowerCase());
  if (query.since) wanted.set("since", query.since);
  if (query.until) wanted.set("until", query.until);
  if (query.grep) wanted.set("grep", query.grep);
  if (query.grep && query.context) wanted.set("context", String(query.context));
  for (const [name, value] of Object.entries(more)) wanted.set(name, String(value));
  return `/api/logs?${wanted}`;
}

export interface Found {
  lines: Line[];
  /** The cursor of the line that comes next. */
  end: number;
}

/** Lines before some are there; called again and again while a search goes on, with the end of the log. */
export type TakeLines = (lines: Line[], end: number) => void;

/** The last so many lines of those that the query chooses, before a line or at all. */
export async function lastLines(query: LogQuery, count: number, before: number | undefined, take?: TakeLines, signal?: AbortSignal): Promise<Found> {
  const until: Record<string, number> = before === undefined ? {} : { before };
  if (!query.grep || snapshot) return lines(query, before === undefined ? { tail: count } : { ...until, limit: count });
  const answer = await ask(logAddress(query, { ...until, last: count, order: "backward" }), { signal: signal ?? null });
  const end = Number(answer.headers.get("X-Log-End") ?? 0);
  let found: Line[] = [];
  for await (const row of rowsOf(answer)) {
    found = joined(JSON.parse(row) as Line[], found, query.context > 0);
    take?.(found, end);
  }
  return { lines: found, end };
}

/** The rows of an answer as they come. */
async function* rowsOf(answer: Response): AsyncGenerator<string> {
  if (!answer.body) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

/** A part of what is found before the later ones; where lines come with those around them, a line may be in two. */
function joined(part: Line[], later: Line[], around: boolean): Line[] {
  if (!around) return [...part, ...later];
  const first = later[0];
  const found: Line[] = [];
  let gap = false;
  for (const line of part) {
    if (line.number === undefined) gap = found.length > 0;
    else if (!first || line.number < first.number) {
      if (gap) found.push(gapBefore(line));
      found.push(line);
      gap = false;
    }
  }
  const last = found[found.length - 1];
  if (last && first && last.number + 1 < first.number) found.push(gapBefore(first));
  return [...found, ...later];
}

export async function lines(query: LogQuery, more: Record<string, string | number>): Promise<Found> {
  if (snapshot) return { lines: kept(query, more), end: snapshot.lines.length };
  const answer = await ask(logAddress(query, query.grep ? more : { ...more, format: "blocks" }));
  const rows = (await answer.text()).split("\n").filter((row) => row && row !== "{}");
  const found = query.grep ? rows.map((row) => JSON.parse(row) as Line) : linesOf(rows.map((row) => JSON.parse(row) as Block));
  return { lines: found, end: Number(answer.headers.get("X-Log-End") ?? 0) };
}

const LOUD = ["DEBUG", "VERBOSE", "INFO", "WARN", "ERROR"];

/** The same out of a snapshot. */
function kept(query: LogQuery, more: Record<string, string | number>): Line[] {
  const { tail, before, cursor, limit } = more as Record<string, number | undefined>;
  const grep = query.grep ? fromPython(query.grep) : null;
  const found = (snapshot?.lines ?? []).filter(
    (line) =>
      (!query.resources.length || query.resources.includes(line.resource)) &&
      (query.source === "all" || (line.build ?? false) === (query.source === "build")) &&
      (!query.atLeast || LOUD.indexOf(line.level ?? "INFO") >= LOUD.indexOf(query.atLeast)) &&
      (!query.since || line.time >= query.since) &&
      (!query.until || line.time < query.until) &&
      (before === undefined || line.number < before) &&
      (cursor === undefined || line.number >= cursor) &&
      (!grep || grep.test(line.text)),
  );
  if (tail !== undefined) return found.slice(-tail);
  if (before !== undefined && limit !== undefined) return found.slice(-limit);
  return limit === undefined ? found : found.slice(0, limit);
}
