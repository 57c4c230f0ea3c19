// The one connection to the session: it brings views and lines, and comes back by itself after a sleep or a restart.

import { snapshot } from "./snapshot";
import { linesOf, type Line } from "./lines";
import { forgetParts, link, takeRows, takeView } from "./state";
import type { BlocksMessage, ClientMessage, FollowMessage, ServerMessage } from "./wire";

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 2000;
/** A laptop that slept longer than this has a connection that only seems to be open. */
const SLEPT_MS = 15_000;

/** Takes lines; `skipped`: those between them and the lines before were left out. */
type Take = (lines: Line[], skipped: boolean) => void;

let socket: WebSocket | null = null;
let wait = FIRST_WAIT_MS;
let lastId = 0;
const followed = new Map<number, { message: FollowMessage; take: Take }>();

export function connect(): void {
  if (snapshot) {
    takeRows({ type: "rows", rows: snapshot.rows });
    takeView(snapshot.view);
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
    if (message.type === "blocks") deliver(message);
    else if (message.type === "rows") takeRows(message);
    else {
      takeView(message);
      link.value = "open";
    }
  };
  made.onclose = () => {
    void whyClosed();
    forgetParts();
    setTimeout(open, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  };
}

/** A browser is not told why its channel was refused; an ordinary request is. */
async function whyClosed(): Promise<void> {
  const answer = await fetch("/api/version").catch(() => null);
  if (socket?.readyState !== WebSocket.OPEN) link.value = answer?.status === 403 ? "refused" : "lost";
}

function deliver(message: BlocksMessage): void {
  const reader = followed.get(message.id);
  if (!reader) return;
  const lines = linesOf(message.blocks);
  const last = lines[lines.length - 1];
  // After a lost connection it goes on where it stopped.
  if (last) reader.message = { ...reader.message, cursor: last.number + 1 };
  reader.take(lines, message.skipped ?? false);
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
