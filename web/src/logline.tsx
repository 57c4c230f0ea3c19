// One line of the log: its time, whose it is, its text with colours, links and what was found.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { age, clock, moment } from "./format";
import type { Line } from "./lines";
import { say } from "./requests";
import { setQuery } from "./router";
import { times } from "./settings";
import { now } from "./state";
import { drawn, json, unfolded } from "./text";

/** Longer lines are cut until somebody asks: to lay out a megabyte of text halts the page. */
const LONGEST = 5000;

export function LogLine({ line, found, target, named }: { line: Line; found: RegExp | null; target: string | null; named: boolean }): JSX.Element {
  const [open, setOpen] = useState(false);
  const [whole, setWhole] = useState(false);
  if (line.gap) return <div class="gap" role="separator" aria-label="lines are left out" />;
  const fields = line.text.startsWith("{") ? json(line.text) : null;
  const text = fields ? unfolded(line.text) : line.text;
  const cut = !whole && text.length > LONGEST;
  const level = loudness(line, fields);
  const classes = ["line", level, line.start && "update-start", target === String(line.number) && "target", line.build && "of-build"];
  return (
    <div class={classes.filter(Boolean).join(" ")} data-number={line.number}>
      <Time line={line} />
      {named && <span class="of" title={line.resource || "session"}>{line.resource || "session"}</span>}
      <span class="text">
        {fields && (
          <button type="button" class="quiet" aria-expanded={open} aria-label="All fields" onClick={() => setOpen(!open)}>
            {open ? "▾" : "▸"}
          </button>
        )}
        {drawn(cut ? text.slice(0, LONGEST) : text, found)}
        {cut && (
          <button type="button" onClick={() => setWhole(true)}>
            … all {text.length.toLocaleString("en")} characters
          </button>
        )}
        {open && fields && <pre class="fields">{JSON.stringify(fields, null, 2)}</pre>}
      </span>
    </div>
  );
}

function loudness(line: Line, fields: Record<string, unknown> | null): string {
  if (line.level === "ERROR" || line.level === "WARN") return line.level.toLowerCase();
  const word = String(fields?.["level"] ?? fields?.["lvl"] ?? fields?.["severity"] ?? "").toLowerCase();
  if (["error", "fatal", "critical", "panic"].includes(word)) return "error";
  return word.startsWith("warn") ? "warn" : "";
}

/** The time of a line: a link to exactly this line. */
function Time({ line }: { line: Line }): JSX.Element {
  const shown = times.value === "age" ? age(line.time, now.value) : clock(line.time);
  const copy = () => {
    setQuery({ line: String(line.number) });
    void navigator.clipboard?.writeText(location.href).then(() => say("copied a link to this line"));
  };
  return (
    <button type="button" class={`quiet at ${times.value}`} title={`${moment(line.time)}: copy a link to this line`} onClick={copy}>
      {times.value === "none" ? "¶" : shown}
    </button>
  );
}
