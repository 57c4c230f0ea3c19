// A snapshot holds the data of its page in itself; on a live page there is none.

import { linesOf, type Line } from "./lines";
import type { Block, Detail, PageRow, ViewMessage } from "./wire";

interface Kept {
  createdAt: string;
  rows: PageRow[];
  view: ViewMessage;
  details: Record<string, Detail>;
  blocks: Block[];
}

export type Snapshot = Kept & { lines: Line[] };

function read(): Snapshot | null {
  const element = document.getElementById("snapshot");
  if (!element) return null;
  const kept = JSON.parse(element.textContent ?? "") as Kept;
  return { ...kept, lines: linesOf(kept.blocks) };
}

export const snapshot = read();
