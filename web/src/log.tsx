// The log: follows what comes, scrolls back through everything that is stored without ever holding all of it.

import type { JSX } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { follow } from "./channel";
import { age, clock, moment } from "./format";
import { lastLines, lines as fetchLines, logAddress, say, type LogQuery } from "./requests";
import { query, setQuery } from "./router";
import { snapshot } from "./snapshot";
import { times, wrap, type Times } from "./settings";
import { generation, now } from "./state";
import { drawn, fromPython, inPython, json, pattern, stripped, unfolded } from "./text";
import { useVirtual } from "./virtual";
import type { Level, Line } from "./wire";

/** Lines that are fetched at once, and those that are held at most: more of them are let go at the far end. */
const PAGE = 1000;
const MOST = 20_000;
const LINE_HEIGHT = 19;
/** So close to the end counts as being there, in pixels. */
const NEAR_END = 40;

interface Held {
  lines: Line[];
  /** Is there nothing before the first line, and nothing after the last one but what comes? */
  begins: boolean;
  live: boolean;
}

const NOTHING: Held = { lines: [], begins: false, live: true };

export function Log({ resources }: { resources: readonly string[] }): JSX.Element {
  const asked = query.value;
  const source = asked.get("source") ?? "all";
  const atLeast = asked.get("level") ?? "";
  const words = asked.get("find") ?? "";
  const only = asked.get("only") === "1";
  const target = asked.get("line");
  const found = useMemo(() => pattern(words), [words]);
  const wanted = useMemo<LogQuery>(
    () => ({ resources, source, atLeast, grep: only && found ? inPython(found) : "" }),
    [resources.join("\n"), source, atLeast, only && found ? inPython(found) : ""],
  );
  return (
    <section class="log" aria-label="Log">
      <Tools wanted={wanted} words={words} only={only} bad={words !== "" && found === null} />
      <Lines key={`${JSON.stringify(wanted)} ${generation.value}`} wanted={wanted} found={found} target={target} named={resources.length !== 1} />
    </section>
  );
}

function Lines({ wanted, found, target, named }: { wanted: LogQuery; found: RegExp | null; target: string | null; named: boolean }): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null);
  const [held, setHeld] = useState<Held>(NOTHING);
  const [sticky, setSticky] = useState(target === null);
  const [missed, setMissed] = useState(0);
  const [failed, setFailed] = useState("");
  const loading = useRef(false);
  const last = useRef(-1);

  const append = useCallback((some: Line[]) => {
    // What came between the answer and its following is in both.
    const fresh = some.filter((line) => line.number > last.current);
    if (!fresh.length) return;
    last.current = fresh[fresh.length - 1]?.number ?? last.current;
    setHeld((before) => (before.live ? { ...before, ...appended(before, fresh) } : before));
    setMissed((count) => count + fresh.length);
  }, []);

  useEffect(() => {
    let ended = false;
    let stop = () => {};
    const fail = (problem: Error) => setFailed(problem.message);
    const start = async () => {
      if (target !== null) {
        const number = Number(target);
        const [before, after] = await Promise.all([
          lastLines(wanted, PAGE / 2, number),
          fetchLines(wanted, { cursor: number, limit: PAGE }),
        ]);
        if (ended) return;
        const live = after.lines.length < PAGE;
        setHeld({ lines: [...before.lines, ...after.lines], begins: before.lines.length < PAGE / 2, live });
        last.current = Math.max(number, after.end) - 1;
        if (!live) return;
      } else {
        const tail = await lastLines(wanted, PAGE);
        if (ended) return;
        setHeld({ ...merged(tail.lines), begins: tail.lines.length < PAGE, live: true });
        last.current = Math.max(tail.end - 1, tail.lines[tail.lines.length - 1]?.number ?? -1);
      }
      if (!snapshot) stop = followed(wanted, last.current + 1, append);
    };
    start().catch(fail);
    return () => {
      ended = true;
      stop();
    };
  }, [target]);

  const list = held.lines;
  const virtual = useVirtual(
    scroller,
    list.length,
    () => LINE_HEIGHT,
    (index) => list[index]?.number ?? index,
  );

  useLayoutEffect(() => {
    if (sticky && list.length) virtual.scrollTo(list.length - 1, "end");
  }, [list, sticky, virtual.height]);

  useLayoutEffect(() => {
    if (target === null || !list.length) return;
    const at = list.findIndex((line) => line.number >= Number(target));
    if (at >= 0) virtual.scrollTo(at, "center");
  }, [target, list.length > 0]);

  const earlier = async () => {
    const first = held.lines[0];
    if (loading.current || held.begins || !first) return;
    loading.current = true;
    try {
      const { lines: before } = await lastLines(wanted, PAGE, first.number);
      const element = scroller.current;
      const below = element ? element.scrollHeight - element.scrollTop : 0;
      setHeld((present) => {
        const joined = [...before, ...present.lines];
        return { lines: joined.slice(0, MOST), begins: before.length < PAGE, live: present.live && joined.length <= MOST };
      });
      // What is read stays where it is: the new lines are above it.
      requestAnimationFrame(() => {
        if (element) element.scrollTop = element.scrollHeight - below;
      });
    } catch (problem) {
      say(String(problem), true);
    } finally {
      loading.current = false;
    }
  };

  const toEnd = async () => {
    setMissed(0);
    if (!held.live) {
      const { lines: tail } = await lastLines(wanted, PAGE);
      setHeld({ ...merged(tail), begins: tail.length < PAGE, live: true });
    }
    setSticky(true);
  };

  const toStart = async () => {
    setSticky(false);
    const { lines: first } = await fetchLines(wanted, { cursor: 0, limit: PAGE });
    setHeld({ lines: first, begins: true, live: first.length < PAGE });
    requestAnimationFrame(() => virtual.scrollTo(0, "start"));
  };

  const later = async () => {
    const end = held.lines[held.lines.length - 1];
    if (loading.current || held.live || !end) return;
    loading.current = true;
    try {
      const { lines: after } = await fetchLines(wanted, { cursor: end.number + 1, limit: PAGE });
      setHeld((present) => ({
        lines: [...present.lines, ...after].slice(-MOST),
        begins: present.begins && present.lines.length + after.length <= MOST,
        live: after.length < PAGE,
      }));
    } finally {
      loading.current = false;
    }
  };

  const scrolled = () => {
    const element = scroller.current;
    if (!element) return;
    const left = element.scrollHeight - element.scrollTop - element.clientHeight;
    const atEnd = left < NEAR_END;
    if (atEnd && held.live) setMissed(0);
    if (sticky && !atEnd && element.scrollTop < (top.current ?? 0)) setSticky(false);
    else if (!sticky && atEnd && held.live && target === null) setSticky(true);
    top.current = element.scrollTop;
    if (element.scrollTop < 600) void earlier();
    if (left < 600) void later();
  };
  const top = useRef(0);

  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.target instanceof HTMLInputElement) return;
      if (event.key === "End") void toEnd();
      else if (event.key === "Home") void toStart();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });

  return (
    <div class="log-body">
      <div
        class={`lines ${wrap.value ? "wrapped" : "unwrapped"}`}
        ref={scroller}
        onScroll={scrolled}
        tabIndex={0}
        role="log"
        aria-label="Lines"
        aria-live="off"
      >
        {failed && <p class="empty tone-error">{failed}</p>}
        {!failed && list.length === 0 && <p class="empty">No lines {found || wanted.atLeast ? "match" : "yet"}.</p>}
        <div style={{ height: `${virtual.height}px`, position: "relative" }}>
          <div style={{ transform: `translateY(${virtual.items[0]?.start ?? 0}px)`, position: "absolute", left: 0, right: 0, top: 0 }}>
            {virtual.items.map((at) => {
              const line = list[at.index];
              return line ? (
                <div key={at.key} data-index={at.index} ref={virtual.measure}>
                  <LogLine line={line} found={found} target={target} named={named} />
                </div>
              ) : null;
            })}
          </div>
        </div>
      </div>
      <div class="log-foot">
        <button type="button" class="quiet" onClick={() => void toStart()}>
          ⤒ start
        </button>
        {sticky ? (
          <span class="tone-ok">● following</span>
        ) : (
          <button type="button" class="primary" onClick={() => void toEnd()}>
            ⤓ follow{missed ? ` (${missed} new)` : ""}
          </button>
        )}
      </div>
    </div>
  );
}

function followed(wanted: LogQuery, cursor: number, take: (lines: Line[]) => void): () => void {
  let waiting: Line[] = [];
  let frame = 0;
  const grep = wanted.grep ? fromPython(wanted.grep) : null;
  const message = { cursor, resources: [...wanted.resources], source: wanted.source, atLeast: (wanted.atLeast || null) as Level | null };
  const stop = follow(message, (lines) => {
    const fresh = grep ? lines.filter((line) => grep.test(line.text)) : lines;
    if (!fresh.length) return;
    waiting = waiting.length ? waiting.concat(fresh) : fresh;
    // Once a picture, however many batches come; of a hidden tab no pictures are made, and it must not grow.
    if (waiting.length > MOST) waiting = waiting.slice(-MOST);
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      const taken = waiting;
      waiting = [];
      take(taken);
    });
  });
  return () => {
    cancelAnimationFrame(frame);
    stop();
  };
}

/** Lines of progress replace the earlier one of the same thing. */
function appended(before: Held, fresh: Line[]): Pick<Held, "lines" | "begins"> {
  const joined = fold([...before.lines, ...fresh], before.lines.length);
  return joined.length > MOST ? { lines: joined.slice(-MOST), begins: false } : { lines: joined, begins: before.begins };
}

function merged(lines: Line[]): { lines: Line[] } {
  return { lines: fold(lines, 0) };
}

function fold(lines: Line[], from: number): Line[] {
  if (!lines.slice(from).some((line) => line.progress)) return lines;
  const places = new Map<string, number>();
  const found: Line[] = [];
  for (const line of lines) {
    const key = line.progress ? `${line.span} ${line.progress}` : "";
    const at = key ? places.get(key) : undefined;
    const before = at === undefined ? undefined : found[at];
    if (at !== undefined && before) found[at] = { ...line, number: before.number };
    else {
      if (key) places.set(key, found.length);
      found.push(line);
    }
  }
  return found;
}

function LogLine({ line, found, target, named }: { line: Line; found: RegExp | null; target: string | null; named: boolean }): JSX.Element {
  const [open, setOpen] = useState(false);
  const fields = line.text.startsWith("{") ? json(line.text) : null;
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
        {drawn(fields ? unfolded(line.text) : line.text, found)}
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

function Tools({ wanted, words, only, bad }: { wanted: LogQuery; words: string; only: boolean; bad: boolean }): JSX.Element {
  const [text, setText] = useState(words);
  useEffect(() => setText(words), [words]);
  const next: Record<Times, Times> = { clock: "age", age: "none", none: "clock" };
  return (
    <div class="bar-of-tools" role="toolbar" aria-label="Log">
      <input
        id="find"
        type="search"
        placeholder="find text or /regular expression/"
        aria-label="Find in the log"
        aria-invalid={bad}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setQuery({ find: event.currentTarget.value });
        }}
      />
      <label class="row" title="Show matching lines only, out of everything that is stored">
        <input type="checkbox" checked={only} onChange={() => setQuery({ only: only ? "" : "1" })} /> only matches
      </label>
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
    </div>
  );
}

async function copyAll(wanted: LogQuery): Promise<void> {
  try {
    const { lines: found } = await lastLines(wanted, PAGE);
    await navigator.clipboard.writeText(found.map((line) => stripped(line.text)).join("\n"));
    say(`copied the last ${found.length} lines`);
  } catch (problem) {
    say(String(problem), true);
  }
}
