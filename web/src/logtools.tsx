// The bar above the log: what is searched for, which lines are shown, and how.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { lastLines, logAddress, say, type LogQuery } from "./requests";
import { listed, setQuery } from "./router";
import { times, wrap, type Times } from "./settings";
import { snapshot } from "./snapshot";
import { ordered } from "./state";
import { stripped } from "./text";

const CONTEXTS = [0, 2, 5, 20];

/** So many lines are copied. */
const COPIED = 1000;

/** `chosen`: is it the log of some resources that were chosen, and may be others? */
export function Tools({ wanted, words, only, bad, chosen }: { wanted: LogQuery; words: string; only: boolean; bad: string; chosen: boolean }): JSX.Element {
  const [text, setText] = useState(words);
  useEffect(() => setText(words), [words]);
  const [ranged, setRanged] = useState(wanted.since !== "" || wanted.until !== "");
  const next: Record<Times, Times> = { clock: "age", age: "none", none: "clock" };
  return (
    <div class="bar-of-tools" role="toolbar" aria-label="Log">
      <input
        id="find"
        type="search"
        placeholder="find text or /regex/"
        aria-label="Find in the log"
        aria-invalid={bad !== ""}
        title={bad}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setQuery({ find: event.currentTarget.value });
        }}
      />
      {bad && <span class="tone-error">{bad}</span>}
      <label class="row" title="Show matching lines only, out of everything that is stored">
        <input type="checkbox" checked={only} onChange={() => setQuery({ only: only ? "" : "1" })} /> only matches
      </label>
      {only && (
        <select aria-label="Lines around each match" value={wanted.context} onChange={(event) => setQuery({ context: event.currentTarget.value.replace(/^0$/, "") })}>
          {CONTEXTS.map((count) => (
            <option value={count}>{count ? `± ${count} lines` : "no context"}</option>
          ))}
        </select>
      )}
      <select aria-label="Level" value={wanted.atLeast} onChange={(event) => setQuery({ level: event.currentTarget.value })}>
        <option value="">all levels</option>
        <option value="WARN">warnings and errors</option>
        <option value="ERROR">errors</option>
      </select>
      <select aria-label="Source" value={wanted.source} onChange={(event) => setQuery({ source: event.currentTarget.value })}>
        <option value="all">all sources</option>
        <option value="build">updates</option>
        <option value="runtime">what runs</option>
      </select>
      <button type="button" aria-expanded={ranged} aria-pressed={wanted.since !== "" || wanted.until !== ""} onClick={() => setRanged(!ranged)}>
        time…
      </button>
      <button type="button" aria-pressed={wrap.value} onClick={() => (wrap.value = !wrap.value)}>
        wrap
      </button>
      <button type="button" title="Times: clock, age or none" onClick={() => (times.value = next[times.value])}>
        {times.value === "clock" ? "12:34:56" : times.value === "age" ? "3m ago" : "no times"}
      </button>
      <button type="button" onClick={() => void copyAll(wanted)}>
        copy
      </button>
      {!snapshot && (
        <a class="button" download={`${wanted.resources.join("-") || "session"}.log`} href={logAddress(wanted, { format: "text" })}>
          download
        </a>
      )}
      {chosen && <Resources names={wanted.resources} />}
      {ranged && <Range since={wanted.since} until={wanted.until} />}
    </div>
  );
}

/** Of which resources the log is: a click takes one away, the field adds one. */
function Resources({ names }: { names: readonly string[] }): JSX.Element {
  const show = (some: readonly string[]) => setQuery({ resources: listed(some), line: "" });
  return (
    <div class={names.length ? "range" : ""} role="group" aria-label="Resources">
      {names.map((name) => (
        <button key={name} type="button" aria-label={`Without ${name}`} onClick={() => show(names.filter((each) => each !== name))}>
          {name} ✕
        </button>
      ))}
      <select aria-label="Resource" value="" onChange={(event) => show([...names, event.currentTarget.value])}>
        <option value="">{names.length ? "and…" : "all resources"}</option>
        {ordered.value
          .filter((row) => !names.includes(row.name))
          .map((row) => (
            <option key={row.name} value={row.name}>
              {row.name}
            </option>
          ))}
      </select>
      {names.length > 0 && (
        <button type="button" onClick={() => show([])}>
          all
        </button>
      )}
    </div>
  );
}

/** From when until when. */
function Range({ since, until }: { since: string; until: string }): JSX.Element {
  const ago = (minutes: number) => setQuery({ since: new Date(Date.now() - minutes * 60_000).toISOString(), until: "", line: "" });
  return (
    <div class="range" role="group" aria-label="Time">
      <label class="row">
        from <input type="datetime-local" step="1" value={inZone(since)} onChange={(event) => setQuery({ since: inUtc(event.currentTarget.value), line: "" })} />
      </label>
      <label class="row">
        to <input type="datetime-local" step="1" value={inZone(until)} onChange={(event) => setQuery({ until: inUtc(event.currentTarget.value), line: "" })} />
      </label>
      {[1, 5, 15, 60].map((minutes) => (
        <button type="button" onClick={() => ago(minutes)}>
          last {minutes === 60 ? "hour" : minutes === 1 ? "minute" : `${minutes} min`}
        </button>
      ))}
      <button type="button" disabled={!since && !until} onClick={() => setQuery({ since: "", until: "" })}>
        all
      </button>
    </div>
  );
}

/** `2026-03-02T12:00:00` in the time zone of the browser, as the field has it. */
function inZone(time: string): string {
  const known = Date.parse(time);
  return Number.isNaN(known) ? "" : new Date(known).toLocaleString("sv-SE").replace(" ", "T");
}

function inUtc(local: string): string {
  const known = Date.parse(local);
  return Number.isNaN(known) ? "" : new Date(known).toISOString();
}

async function copyAll(wanted: LogQuery): Promise<void> {
  try {
    const { lines: found } = await lastLines(wanted, COPIED, undefined);
    await navigator.clipboard.writeText(found.map((line) => stripped(line.text)).join("\n"));
    say(`copied the last ${found.length} lines`);
  } catch (problem) {
    say(String(problem), true);
  }
}
