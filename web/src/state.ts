// What the page knows of the session: signals, so that only those parts are drawn anew whose values changed.

import { batch, computed, signal } from "@preact/signals";
import type { ButtonView, PageRow, RowsMessage, SessionView, ViewMessage } from "./wire";

export type Row = PageRow;

export type Link = "connecting" | "open" | "lost" | "refused" | "snapshot";

export const TILTFILE = "(Tiltfile)";

export const link = signal<Link>("connecting");
export const session = signal<SessionView | null>(null);
export const rows = signal<ReadonlyMap<string, Row>>(new Map());
export const order = signal<readonly string[]>([]);
export const buttons = signal<readonly ButtonView[]>([]);
/** Counts sessions seen by this page: what was read of an earlier one is stale. */
export const generation = signal(0);
/** The time, moved on every second, for ages and running updates. */
export const now = signal(Date.now());

export const ordered = computed<Row[]>(() =>
  order.value.map((name) => rows.value.get(name)).filter((row): row is Row => row !== undefined),
);

/** Rows that came and are not drawn yet: all but the first screen of them wait for the view that has their order. */
let waiting: Row[] = [];

/** Take rows: a page that has none yet draws the first of them where the rest takes longer than a picture. */
export function takeRows(message: RowsMessage): void {
  const first = waiting.length === 0;
  waiting.push(...message.rows);
  if (first && !order.value.length) requestAnimationFrame(drawFirst);
}

function drawFirst(): void {
  if (order.value.length || !waiting.length) return;
  batch(() => {
    rows.value = new Map(waiting.map((row) => [row.name, row]));
    order.value = waiting.map((row) => row.name);
  });
}

/** Take what a view says, and the rows that came before it. */
export function takeView(message: ViewMessage): void {
  batch(() => {
    const before = session.value;
    const another = before !== null && before.startedAt !== message.session.startedAt;
    const names = message.order ?? order.value;
    if (waiting.length || message.order) {
      const known = another ? new Map<string, Row>() : new Map(rows.value);
      for (const row of waiting) known.set(row.name, row);
      waiting = [];
      const present = new Set(names);
      for (const name of known.keys()) if (!present.has(name)) known.delete(name);
      rows.value = known;
      order.value = names;
    }
    session.value = message.session;
    if (message.buttons) buttons.value = message.buttons;
    // What was asked for before the first view belongs to the same session, unless there was none.
    if (another || (before === null && link.value === "lost")) generation.value += 1;
  });
}

/** A connection is lost: what came in parts comes again as a whole. */
export function forgetParts(): void {
  waiting = [];
}

setInterval(() => (now.value = Date.now()), 1000);
