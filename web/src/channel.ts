// The one connection to the session: it brings views and lines, and comes back by itself after a sleep or a restart.

import { snapshot } from "./snapshot";
import { link, take } from "./state";
import type { ClientMessage, FollowMessage, Line, ServerMessage } from "./wire";

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 2000;
/** A laptop that slept longer than this has a connection that only seems to be open. */
const SLEPT_MS = 15_000;

type Take = (lines: Line[]) => void;

let socket: WebSocket | null = null;
let wait = FIRST_WAIT_MS;
let lastId = 0;
const followed = new Map<number, { message: FollowMessage; take: Take }>();

export function connect(): void {
  if (snapshot) {
    take(snapshot.view);
    link.value = "snapshot";
    return;
  }
  open();
  let last = Date.now();
  setInterval(() => {
    if (Date.now() - last > SLEPT_MS) socket?.close();
    last = Date.now();
  }, 5000);
}

function open(): void {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const made = new WebSocket(`${scheme}://${location.host}/api/channel`);
  socket = made;
  made.onopen = () => {
    wait = FIRST_WAIT_MS;
    for (const { message } of followed.values()) send(message);
  };
  made.onmessage = (event) => {
    const message = JSON.parse(event.data as string) as ServerMessage;
    if (message.type === "lines") {
      deliver(message.id, message.lines);
      return;
    }
    take(message);
    link.value = "open";
  };
  made.onclose = () => {
    link.value = "lost";
    setTimeout(open, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  };
}

function deliver(id: number, lines: Line[]): void {
  const reader = followed.get(id);
  if (!reader) return;
  const last = lines[lines.length - 1];
  // After a lost connection it goes on where it stopped.
  if (last) reader.message = { ...reader.message, cursor: last.number + 1 };
  reader.take(lines);
}

function send(message: ClientMessage): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

/** Follow the log; the result ends it. */
export function follow(wanted: Omit<FollowMessage, "type" | "id">, take: Take): () => void {
  const id = ++lastId;
  const message: FollowMessage = { type: "follow", id, ...wanted };
  followed.set(id, { message, take });
  send(message);
  return () => {
    followed.delete(id);
    send({ type: "unfollow", id });
  };
}
