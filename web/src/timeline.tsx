// All updates over time: one lane a resource, the longer the bar the longer it took.

import { useEffect, useRef, useState } from "preact/hooks";
import type { JSX } from "preact";
import { clock, duration } from "./format";
import { To } from "./pieces";
import { lanes, say } from "./requests";
import { href, onLink, resourcePath } from "./router";
import { now, ordered } from "./state";
import type { Lane, Update } from "./wire";

const SPANS = [60, 300, 900, 3600, 4 * 3600, 24 * 3600] as const;
const TICKS = 7;
/** Seconds between two ticks. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 4 * 3600, 6 * 3600, 12 * 3600] as const;
const LANE = 30;

export function Timeline(): JSX.Element {
  const [found, setFound] = useState<Lane[]>([]);
  const [span, setSpan] = useState(0);
  const [end, setEnd] = useState<number | null>(null);
  const drag = useRef<{ x: number; end: number } | null>(null);
  const known = ordered.value.map((row) => `${row.name}${row.startedAt}${row.since}`).join();
  const asked = useRef(0);
  useEffect(() => {
    // At most once a second: in a busy session something begins or ends all the time.
    const wait = Math.max(0, asked.current + 1000 - performance.now());
    const timer = setTimeout(() => {
      asked.current = performance.now();
      lanes().then(setFound, (problem: Error) => say(problem.message, true));
    }, wait);
    return () => clearTimeout(timer);
  }, [known]);
  const first = Math.min(now.value - 60_000, ...found.flatMap((lane) => (lane.updates ?? []).map((each) => Date.parse(each.startedAt))));
  const all = (now.value - first) / 1000;
  const seconds = span || Math.max(60, all * 1.05);
  const until = end ?? now.value;
  const since = until - seconds * 1000;
  const left = (time: number) => ((time - since) / (seconds * 1000)) * 100;
  const zoom = (step: number) => {
    const at = SPANS.findIndex((each) => each >= seconds);
    setSpan(SPANS[Math.min(SPANS.length - 1, Math.max(0, (at < 0 ? SPANS.length : at) + step))] ?? 60);
  };
  const move = (event: PointerEvent) => {
    if (!drag.current) return;
    const width = (event.currentTarget as HTMLElement).querySelector(".ticks")?.clientWidth || 1;
    setEnd(Math.min(now.value, drag.current.end - ((event.clientX - drag.current.x) / width) * seconds * 1000));
  };
  const busy = found.filter((lane) => lane.updates?.length);
  return (
    <main class="timeline">
      <h1 class="hidden">Updates over time</h1>
      <div class="bar-of-tools">
        <b>
          {clock(new Date(since).toISOString())} – {clock(new Date(until).toISOString())}
        </b>
        <button type="button" aria-label="Zoom in" onClick={() => zoom(-1)}>+</button>
        <button type="button" aria-label="Zoom out" onClick={() => zoom(1)}>−</button>
        <button type="button" onClick={() => { setSpan(0); setEnd(null); }}>All</button>
        <button type="button" disabled={end === null} onClick={() => setEnd(null)}>Now</button>
        <Legend />
      </div>
      {busy.length === 0 && <p class="empty">Nothing was updated yet.</p>}
      <div
        class="lanes"
        onPointerDown={(event) => (drag.current = { x: event.clientX, end: until })}
        onPointerMove={move}
        onPointerUp={() => (drag.current = null)}
        onPointerLeave={() => (drag.current = null)}
        onWheel={(event) => event.ctrlKey && (event.preventDefault(), zoom(event.deltaY > 0 ? 1 : -1))}
      >
        <div class="ticks">
          {ticks(since, until).map((time) => (
            <span style={{ left: `${left(time)}%` }}>{clock(new Date(time).toISOString())}</span>
          ))}
        </div>
        {busy.map((lane) => (
          <div class="lane" style={{ height: `${LANE}px` }}>
            <To to={resourcePath(lane.name, "updates")} class="lane-name">
              {lane.name}
            </To>
            <div class="lane-bars">
              {(lane.updates ?? []).map((update) => (
                <UpdateBar key={update.id} name={lane.name} update={update} left={left} />
              ))}
            </div>
          </div>
        ))}
      </div>
    </main>
  );
}

/** Round times between two others, but none so close to them that its label has no room. */
function ticks(since: number, until: number): number[] {
  const step = (STEPS.find((each) => (until - since) / (each * 1000) <= TICKS) ?? 24 * 3600) * 1000;
  const zone = new Date(since).getTimezoneOffset() * 60_000;
  const margin = (until - since) / 40;
  const first = Math.ceil((since + margin - zone) / step) * step + zone;
  return Array.from({ length: TICKS + 1 }, (_, index) => first + index * step).filter((each) => each <= until - margin);
}

function Legend(): JSX.Element {
  return (
    <span class="legend">
      <i class="s-live" /> live <i class="s-full" /> build and deploy <i class="s-command" /> command <i class="s-evaluate" /> Tiltfile <i class="s-failed" /> failed
    </span>
  );
}

/** From the save, or from where it began, until it was served; its steps are within. */
function UpdateBar({ name, update, left }: { name: string; update: Update; left: (time: number) => number }): JSX.Element | null {
  const begin = Date.parse(update.savedAt || update.startedAt);
  // New pods become ready after the update itself has ended.
  const last = Math.max(0, ...(update.steps ?? []).map((step) => (step.begin ?? 0) + (step.seconds ?? 0)));
  const end = update.finishedAt ? Math.max(Date.parse(update.finishedAt), begin + last * 1000) : now.value;
  const [from, to] = [left(begin), left(end)];
  if (to < 0 || from > 100) return null;
  const target = resourcePath(name, "updates");
  const failed = update.outcome === "failed" ? "s-failed" : "";
  const took = duration((end - begin) / 1000);
  const steps = update.steps ?? [];
  const said = [
    `${name}: ${update.strategy}, ${took} ${update.savedAt ? "from the save until it was served" : ""}, ${clock(update.startedAt)}`,
    ...(update.changedFiles ?? []).slice(0, 5),
    ...steps.map((step) => `  ${step.name} ${step.subject ?? ""}: ${duration(step.seconds ?? 0)}`),
    update.error ?? "",
  ];
  const whole = Math.max(0.001, (end - begin) / 1000);
  return (
    <a
      href={href(target)}
      aria-label={said.filter(Boolean).join("; ")}
      draggable={false}
      class={`update s-${update.strategy} ${failed} ${update.outcome === "running" ? "running" : ""}`}
      style={{ left: `${from}%`, width: `${to - from}%` }}
      title={said.filter(Boolean).join("\n")}
      onClick={(event) => onLink(event, target)}
    >
      {steps.map((step) => (
        <b style={{ left: `${((step.begin ?? 0) / whole) * 100}%`, width: `${((step.seconds ?? 0) / whole) * 100}%` }} />
      ))}
    </a>
  );
}
