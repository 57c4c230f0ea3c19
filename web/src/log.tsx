// The log: follows what comes, scrolls back through everything that is stored without ever holding all of it.

import type { JSX } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { follow } from "./channel";
import { fold, type Line } from "./lines";
import { LogLine } from "./logline";
import { Tools } from "./logtools";
import { lastLines, lines as fetchLines, say, type LogQuery } from "./requests";
import { query } from "./router";
import { snapshot } from "./snapshot";
import { wrap } from "./settings";
import { generation } from "./state";
import { fromPython, inPython, pattern } from "./text";
import { useVirtual } from "./virtual";
import type { Level } from "./wire";

/** Lines that are fetched at once, and those that are held at most: more of them are let go at the far end. */
const PAGE = 1000;
const MOST = 20_000;
/** So many lines more are held before some are let go, as to let go of some means to lay out all. */
const SLACK = 4000;
const LINE_HEIGHT = 19;
/** So close to the end counts as being there, in pixels. */
const NEAR_END = 40;
const NEAR_BORDER = 600;

interface Held {
  lines: Line[];
  /** Is there nothing before the first line, and nothing after the last one but what comes? */
  begins: boolean;
  live: boolean;
}

const NOTHING: Held = { lines: [], begins: false, live: true };

export function Log({ resources, chosen = false }: { resources: readonly string[]; chosen?: boolean }): JSX.Element {
  const asked = query.value;
  const words = asked.get("find") ?? "";
  const only = asked.get("only") === "1";
  const target = asked.get("line");
  const { found, bad } = useMemo(() => pattern(words), [words]);
  const wanted = useMemo<LogQuery>(
    () => ({
      resources,
      source: asked.get("source") ?? "all",
      atLeast: asked.get("level") ?? "",
      since: asked.get("since") ?? "",
      until: asked.get("until") ?? "",
      grep: only && found ? inPython(found) : "",
      context: Number(asked.get("context") ?? 0) || 0,
    }),
    [resources.join("\n"), asked.toString().replace(/&?line=\d*/, ""), found],
  );
  return (
    <section class="log" aria-label="Log">
      <Tools wanted={wanted} words={words} only={only} bad={bad} chosen={chosen} />
      <Lines key={`${JSON.stringify(wanted)} ${generation.value}`} wanted={wanted} found={found} target={target} named={resources.length !== 1} />
    </section>
  );
}

function Lines({ wanted, found, target, named }: { wanted: LogQuery; found: RegExp | null; target: string | null; named: boolean }): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null);
  const [held, setHeld] = useState<Held>(NOTHING);
  // A range of time is read from its begin; everything else from its end.
  const [sticky, setSticky] = useState(target === null && !wanted.since);
  const [missed, setMissed] = useState(0);
  const [failed, setFailed] = useState("");
  const [searching, setSearching] = useState(false);
  const [end, setEnd] = useState(0);
  const loading = useRef(false);
  const last = useRef(-1);
  const stop = useRef(() => {});
  const stays = useRef(sticky);
  stays.current = sticky;

  const append = useCallback((some: Line[], skipped: boolean) => {
    // What came between the answer and its following is in both.
    const fresh = some[0] && some[0].number > last.current ? some : some.filter((line) => line.number > last.current);
    if (!fresh.length) return;
    last.current = fresh[fresh.length - 1]?.number ?? last.current;
    setEnd(last.current + 1);
    setHeld((before) => (before.live ? appended(skipped ? { ...NOTHING } : before, fresh, stays.current) : before));
    setMissed((count) => count + fresh.length);
  }, []);

  const followOn = (cursor: number) => {
    stop.current();
    stop.current = () => {};
    last.current = cursor - 1;
    if (!snapshot && !wanted.until) stop.current = followed(wanted, cursor, append);
  };

  /** Show what is around a line; the log is followed again where its end is among that. */
  const around = async (number: number): Promise<void> => {
    const [before, after] = await Promise.all([lastLines(wanted, PAGE / 2, number), fetchLines(wanted, { cursor: number, limit: PAGE })]);
    const live = after.lines.length < PAGE;
    setEnd(after.end);
    setHeld({ lines: fold([...before.lines, ...after.lines], 0), begins: before.lines.length < PAGE / 2, live });
    if (live) followOn(Math.max(number, after.end));
  };

  const newest = async (ended: () => boolean, signal?: AbortSignal): Promise<void> => {
    setSearching(wanted.grep !== "");
    let following = false;
    const show = (lines: Line[], until: number) => {
      if (ended()) return;
      setEnd(until);
      setHeld((present) => ({ lines: fold(following ? [...lines, ...present.lines.filter((line) => line.number >= until)] : lines, 0), begins: false, live: true }));
      // Lines that come while the search goes on are not missed.
      if (!following) followOn(Math.max(until, (lines[lines.length - 1]?.number ?? -1) + 1));
      following = true;
    };
    const tail = await lastLines(wanted, PAGE, undefined, show, signal);
    if (ended()) return;
    show(tail.lines, tail.end);
    setSearching(false);
    setHeld((present) => ({ ...present, begins: tail.lines.length < PAGE }));
  };

  useEffect(() => {
    const control = new AbortController();
    const ended = () => control.signal.aborted;
    const start = async () => {
      if (target !== null) await around(Number(target));
      else if (wanted.since) await toStart();
      else await newest(ended, control.signal);
    };
    start().catch((problem: Error) => ended() || setFailed(problem.message));
    return () => {
      control.abort();
      stop.current();
    };
  }, []);

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

  const jumped = useRef<number | null>(target === null ? null : Number(target));
  useLayoutEffect(() => {
    if (jumped.current === null || !list.length) return;
    const number = jumped.current;
    const at = list.findIndex((line) => line.number >= number);
    jumped.current = null;
    virtual.scrollTo(at < 0 ? list.length - 1 : at, "center");
  }, [list]);

  // Another line was chosen, here or by going back.
  const reached = useRef(target);
  useEffect(() => {
    if (reached.current === target) return;
    reached.current = target;
    if (target === null) return;
    if (list.some((line) => line.number === Number(target))) setSticky(false);
    else jump(Number(target));
  }, [target]);

  /** Load more at one end, once at a time. */
  const load = async (more: () => Promise<void>) => {
    if (loading.current) return;
    loading.current = true;
    try {
      await more();
    } catch (problem) {
      say(String(problem), true);
    } finally {
      loading.current = false;
    }
  };

  const earlier = () => {
    const first = list[0];
    if (held.begins || !first) return;
    void load(async () => {
      const { lines: before } = await lastLines(wanted, PAGE, Math.ceil(first.number));
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
    });
  };

  const later = () => {
    const end = list[list.length - 1];
    if (held.live || !end) return;
    void load(async () => {
      const { lines: after, end: cursor } = await fetchLines(wanted, { cursor: Math.floor(end.number) + 1, limit: PAGE });
      const live = after.length < PAGE;
      setHeld((present) => ({
        lines: [...present.lines, ...after].slice(-MOST),
        begins: present.begins && present.lines.length + after.length <= MOST,
        live,
      }));
      if (live) followOn(cursor);
    });
  };

  const toEnd = async () => {
    setMissed(0);
    setSticky(true);
    if (!held.live) await newest(() => false);
  };

  const toStart = async () => {
    setSticky(false);
    const { lines: first, end: cursor } = await fetchLines(wanted, { cursor: 0, limit: PAGE });
    const live = first.length < PAGE;
    setEnd(cursor);
    setHeld({ lines: fold(first, 0), begins: true, live });
    if (live) followOn(cursor);
    requestAnimationFrame(() => virtual.scrollTo(0, "start"));
  };

  const jump = (number: number) => {
    setSticky(false);
    jumped.current = number;
    void load(() => around(number));
  };

  const top = useRef(0);
  const scrolled = () => {
    const element = scroller.current;
    if (!element) return;
    const left = element.scrollHeight - element.scrollTop - element.clientHeight;
    const atEnd = left < NEAR_END;
    if (atEnd && held.live) setMissed(0);
    if (sticky && !atEnd && element.scrollTop < top.current) setSticky(false);
    else if (!sticky && atEnd && held.live && target === null && element.scrollTop > top.current) setSticky(true);
    top.current = element.scrollTop;
    if (element.scrollTop < NEAR_BORDER) earlier();
    if (left < NEAR_BORDER) later();
  };

  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement) return;
      if (event.key === "End") void toEnd();
      else if (event.key === "Home") void toStart();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });

  const shown = list[virtual.items[Math.floor(virtual.items.length / 2)]?.index ?? 0];
  return (
    <div class="log-body">
      <div class={`lines ${wrap.value ? "wrapped" : "unwrapped"}`} ref={scroller} onScroll={scrolled} tabIndex={0} role="log" aria-label="Lines" aria-live="off">
        {failed && <p class="empty tone-error">{failed}</p>}
        {!failed && list.length === 0 && <p class="empty">{searching ? "Searching everything that is stored…" : `No lines ${found || wanted.atLeast || wanted.since || wanted.until ? "match" : "yet"}.`}</p>}
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
        {end > PAGE && (
          <input
            type="range"
            aria-label="Place in the log"
            aria-valuetext={shown ? `line ${Math.floor(shown.number)} of ${end}` : ""}
            title={shown ? `line ${Math.floor(shown.number)} of ${end}` : ""}
            min={0}
            max={end}
            value={sticky ? end : Math.floor(shown?.number ?? end)}
            onChange={(event) => jump(Number(event.currentTarget.value))}
          />
        )}
        {searching && <span class="tone-busy">searching…</span>}
        {sticky ? (
          <span class="tone-ok">● {wanted.until || snapshot ? "end" : "following"}</span>
        ) : (
          <button type="button" class="primary" onClick={() => void toEnd()}>
            ⤓ {wanted.until || snapshot ? "end" : "follow"}
            {missed ? ` (${missed} new)` : ""}
          </button>
        )}
      </div>
    </div>
  );
}

function followed(wanted: LogQuery, cursor: number, take: (lines: Line[], skipped: boolean) => void): () => void {
  let waiting: Line[] = [];
  let frame = 0;
  const grep = wanted.grep ? fromPython(wanted.grep) : null;
  const message = {
    cursor,
    resources: [...wanted.resources],
    source: wanted.source,
    atLeast: (wanted.atLeast || null) as Level | null,
    since: wanted.since,
  };
  let skipping = false;
  const stop = follow(message, (lines, skipped) => {
    if (skipped) {
      skipping = true;
      waiting = [];
    }
    const fresh = grep ? lines.filter((line) => grep.test(line.text)) : lines;
    if (!fresh.length) return;
    waiting = waiting.length ? waiting.concat(fresh) : fresh;
    // Once a picture, however many batches come; of a hidden tab no pictures are made, and it must not grow.
    if (waiting.length > MOST + SLACK) {
      waiting = waiting.slice(-MOST);
      skipping = true;
    }
    frame ||= requestAnimationFrame(() => {
      const [taken, left] = [waiting, skipping];
      [frame, waiting, skipping] = [0, [], false];
      take(taken, left);
    });
  });
  return () => {
    cancelAnimationFrame(frame);
    stop();
  };
}

/** What is held with lines that came; somebody who reads above the end keeps the lines that are read. */
function appended(before: Held, fresh: Line[], sticky: boolean): Held {
  if (!sticky && before.lines.length + fresh.length > MOST) return { ...before, live: false };
  const joined = fold([...before.lines, ...fresh], before.lines.length);
  return joined.length > MOST + SLACK ? { ...before, lines: joined.slice(-MOST), begins: false } : { ...before, lines: joined };
}
