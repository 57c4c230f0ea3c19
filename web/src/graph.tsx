// Resources and what they wait for, as a picture with live colours: left what others need, right what needs others.

import { computed } from "@preact/signals";
import type { JSX } from "preact";
import { GLYPHS, WORDS } from "./pieces";
import { go, href, resourcePath } from "./router";
import { TILTFILE, ordered } from "./state";
import type { PageRow as Row } from "./wire";

const WIDTH = 250;
const HEIGHT = 34;
const COLUMN = 316;
const LINE = 50;
const NAME_CHARACTERS = 30;
const TURN = COLUMN - WIDTH;

interface Node {
  row: Row;
  x: number;
  y: number;
}

const layout = computed(() => {
  const rows = new Map(ordered.value.filter((row) => row.name !== TILTFILE).map((row) => [row.name, row]));
  const columns = new Map<string, number>();
  const column = (name: string, above: readonly string[]): number => {
    const known = columns.get(name);
    if (known !== undefined) return known;
    const deps = (rows.get(name)?.dependencies ?? []).filter((each) => rows.has(each) && !above.includes(each));
    const found = Math.max(0, ...deps.map((each) => column(each, [...above, name]) + 1));
    columns.set(name, found);
    return found;
  };
  const heights: number[] = [];
  const nodes = new Map<string, Node>();
  // What has neither above nor below stands last, so that what is connected stays together.
  const needed = new Set([...rows.values()].flatMap((row) => row.dependencies ?? []));
  const connected = (row: Row) => needed.has(row.name) || (row.dependencies ?? []).length > 0;
  for (const row of [...rows.values()].sort((a, b) => Number(connected(b)) - Number(connected(a)))) {
    const at = column(row.name, []);
    const line = heights[at] ?? 0;
    heights[at] = line + 1;
    nodes.set(row.name, { row, x: at * COLUMN + 16, y: line * LINE + 16 });
  }
  const width = Math.max(1, heights.length) * COLUMN;
  return { nodes, width, height: Math.max(1, ...heights.map((each) => each ?? 0)) * LINE + 16 };
});

/** From one node to another; where columns are between them, in the gap beside the line of the second: nodes hide no edge. */
function edge(from: Node, to: Node): string {
  const [x1, y1, x2, y2] = [from.x + WIDTH, from.y + HEIGHT / 2, to.x - 2, to.y + HEIGHT / 2];
  const half = TURN / 2;
  if (x2 - x1 < COLUMN) return `M${x1} ${y1} C${x1 + half} ${y1} ${x2 - half} ${y2} ${x2} ${y2}`;
  const gap = y2 + (y2 > y1 ? -LINE / 2 : LINE / 2);
  return `M${x1} ${y1} C${x1 + half} ${y1} ${x1 + half} ${gap} ${x1 + TURN} ${gap} H${x2 - TURN} C${x2 - half} ${gap} ${x2 - half} ${y2} ${x2} ${y2}`;
}

export function Graph(): JSX.Element {
  const { nodes, width, height } = layout.value;
  return (
    <main class="graph">
      <h1 class="hidden">Resources and their dependencies</h1>
      {nodes.size === 0 && <p class="empty">There are no resources yet.</p>}
      <svg width={width} height={height} role="group" aria-label="Resources and their dependencies">
        <defs>
          <marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">
            <path d="M0 0 L8 4 L0 8 z" class="arrow" />
          </marker>
        </defs>
        {[...nodes.values()].flatMap((node) =>
          (node.row.dependencies ?? []).map((name) => {
            const from = nodes.get(name);
            if (!from) return null;
            return <path class="edge" d={edge(from, node)} marker-end="url(#arrow)" />;
          }),
        )}
        {[...nodes.values()].map(({ row, x, y }) => (
          <a
            href={href(resourcePath(row.name))}
            aria-label={`${row.name}: ${WORDS[row.dot]}`}
            onClick={(event: MouseEvent) => {
              event.preventDefault();
              go(resourcePath(row.name));
            }}
          >
            <g class={`node ${row.dot}`} transform={`translate(${x} ${y})`}>
              <title>{`${row.name}: ${row.error || row.status.text || WORDS[row.dot]}`}</title>
              <rect width={WIDTH} height={HEIGHT} rx="8" />
              <text class="glyph" x="10" y={HEIGHT / 2 + 4.5}>
                {GLYPHS[row.dot]}
              </text>
              <text x="30" y={HEIGHT / 2 + 4.5}>
                {row.name.length > NAME_CHARACTERS ? `${row.name.slice(0, NAME_CHARACTERS - 1)}…` : row.name}
              </text>
            </g>
          </a>
        ))}
      </svg>
    </main>
  );
}
