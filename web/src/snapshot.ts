// A snapshot holds the data of its page in itself; on a live page there is none.

import type { Detail, Line, ViewMessage } from "./wire";

export interface Snapshot {
  createdAt: string;
  view: ViewMessage;
  details: Record<string, Detail>;
  lines: Line[];
}

function read(): Snapshot | null {
  const element = document.getElementById("snapshot");
  return element ? (JSON.parse(element.textContent ?? "") as Snapshot) : null;
}

export const snapshot = read();
