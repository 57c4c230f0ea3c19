// What the page knows of the session: signals, so that only those parts are drawn anew whose values changed.

import { batch, computed, signal } from "@preact/signals";
import type { ButtonView, Row, ServerMessage, SessionView } from "./wire";

export type Link = "connecting" | "open" | "lost" | "snapshot";

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

/** Take a message of the channel. */
export function take(message: ServerMessage): void {
  if (message.type !== "view") return;
  batch(() => {
    const before = session.value;
    const another = before !== null && before.startedAt !== message.session.startedAt;
    const known = another ? new Map<string, Row>() : new Map(rows.value);
    for (const row of message.rows ?? []) known.set(row.name, row);
    const present = new Set(message.order);
    for (const name of known.keys()) if (!present.has(name)) known.delete(name);
    rows.value = known;
    if (message.order.join("\n") !== order.value.join("\n")) order.value = message.order;
    session.value = message.session;
    if (message.buttons) buttons.value = message.buttons;
    if (another || before === null) generation.value += 1;
  });
}

setInterval(() => (now.value = Date.now()), 1000);
