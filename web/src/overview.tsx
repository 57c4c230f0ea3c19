// All resources: what runs, what does not and why, in groups by label.

import { computed, signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { plural } from "./format";
import { Age, Bars, DOTS, Endpoints, Sign, To, Toned, UpdateCell, WORDS } from "./pieces";
import { setEnabled, trigger } from "./requests";
import { go, query, resourcePath, setQuery } from "./router";
import { folded, narrow, stars, toggled } from "./settings";
import { TILTFILE, ordered } from "./state";
import { useVirtual } from "./virtual";
import type { Dot, PageRow as Row } from "./wire";

/** `key`: a starred row is in the list twice. */
type Item = { key: string } & ({ kind: "group"; label: string; depth: number; rows: Row[] } | { kind: "row"; row: Row; depth: number });

const GROUP_HEIGHT = 34;
const ROW_HEIGHT = 36;
const SORTS = ["name", "status", "update", "age"] as const;

export const chosen = signal<readonly string[]>([]);
export const focused = signal("");

const shownRows = computed<Row[]>(() => {
  const text = (query.value.get("q") ?? "").toLowerCase();
  const show = query.value.get("show") ?? "";
  const label = query.value.get("label") ?? "";
  const found = ordered.value.filter(
    (row) =>
      (!text || row.name.toLowerCase().includes(text)) &&
      (!show || row.dot === show || (show === "unhealthy" && row.dot === "error")) &&
      (!label || (row.labels ?? []).some((each) => within(each, label))),
  );
  return sorted(found, query.value.get("sort") ?? "");
});

function sorted(rows: Row[], by: string): Row[] {
  const down = by.startsWith("-");
  const order: Record<string, (row: Row) => string | number> = {
    name: (row) => row.name.toLowerCase(),
    status: (row) => DOTS.indexOf(row.dot),
    update: (row) => row.update.text,
    age: (row) => -Date.parse(row.since || "1970-01-01"),
  };
  const value = order[by.replace("-", "")];
  if (!value) return rows;
  const compare = (a: Row, b: Row) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0);
  return [...rows].sort((a, b) => (down ? compare(b, a) : compare(a, b)));
}

const STARRED = "★ starred";

/** What separates a group from the one within it, in a label. */
const SEPARATOR = /[/.]/;

/** Groups by label, `a.b` within `a`; starred rows come first. */
const items = computed<Item[]>(() => {
  const found = shownRows.value;
  const first = found.filter((row) => stars.value.includes(row.name));
  const groups = new Map<string, Row[]>();
  for (const row of found) {
    const label = row.name === TILTFILE ? "" : (row.labels?.[0] ?? "");
    const known = groups.get(label);
    if (known) known.push(row);
    else groups.set(label, [row]);
  }
  const labels = [...groups.keys()].filter(Boolean).sort();
  const list: Item[] = [];
  if (first.length) add(list, STARRED, 0, first, first);
  const named = labels.length > 0 || first.length > 0;
  const opened = new Set<string>();
  for (const label of labels) {
    const parts = label.split(SEPARATOR);
    let hidden = false;
    for (let depth = 0; depth < parts.length; depth++) {
      const name = label.slice(0, parts.slice(0, depth + 1).join("/").length);
      if (opened.has(name)) hidden ||= folded.value.includes(name);
      else if (!hidden) {
        opened.add(name);
        const below = labels.filter((each) => within(each, name)).flatMap((each) => groups.get(each) ?? []);
        add(list, name, depth, below, []);
        hidden ||= folded.value.includes(name);
      }
    }
    if (!hidden) for (const row of groups.get(label) ?? []) list.push({ key: row.name, kind: "row", row, depth: parts.length });
  }
  const rest = groups.get("") ?? [];
  if (named && rest.length) add(list, "without label", 0, rest, rest);
  else list.push(...rest.map((row): Item => ({ key: row.name, kind: "row", row, depth: 0 })));
  return list;
});

/** The rows that are shown, from the top to the bottom. */
export const fromTop = computed<Row[]>(() => [...new Set(items.value.flatMap((item) => (item.kind === "row" ? [item.row] : [])))]);

function within(label: string, group: string): boolean {
  return label === group || (label.startsWith(group) && SEPARATOR.test(label.charAt(group.length)));
}

function add(list: Item[], label: string, depth: number, all: Row[], own: Row[]): void {
  list.push({ key: `group ${label}`, kind: "group", label, depth, rows: all });
  const twice = label === STARRED ? "starred " : "";
  if (!folded.value.includes(label)) list.push(...own.map((row): Item => ({ key: twice + row.name, kind: "row", row, depth: depth + 1 })));
}

/** The resource whose name in the table an element is. */
export function nameIn(element: Element | null): string | undefined {
  return element?.closest(".name")?.closest<HTMLElement>("[data-resource]")?.dataset.resource;
}

export function Overview(): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null);
  // The resource whose name had the focus last: that moves on to what is beside the name, and is not fetched back.
  const reached = useRef("");
  const list = items.value;
  const virtual = useVirtual(
    scroller,
    list.length,
    (index) => (list[index]?.kind === "group" ? GROUP_HEIGHT : ROW_HEIGHT),
    (index) => list[index]?.key ?? index,
  );
  useEffect(() => {
    const at = list.findIndex((item) => item.kind === "row" && item.row.name === focused.value);
    if (at < 0 || reached.current === focused.value) return;
    virtual.scrollTo(at, "auto");
    // It may be drawn only after that.
    requestAnimationFrame(() => {
      const link = scroller.current?.querySelector<HTMLElement>(`[data-resource="${CSS.escape(focused.value)}"] .name`);
      link?.focus({ preventScroll: true });
    });
  }, [focused.value]);
  const reach = (name?: string) => {
    if (name) focused.value = reached.current = name;
  };
  const every = shownRows.value.filter((row) => row.name !== TILTFILE).map((row) => row.name);
  return (
    <main class="overview">
      <h1 class="hidden">Resources</h1>
      <div class="bar-of-tools" role="group" aria-label="Filter">
        <input
          id="filter"
          type="search"
          placeholder="filter resources"
          aria-label="Filter resources"
          value={query.value.get("q") ?? ""}
          onInput={(event) => setQuery({ q: event.currentTarget.value })}
        />
        <Labels />
      </div>
      <Bulk />
      <div class="table" ref={scroller} role="table" aria-label="Resources" aria-rowcount={list.length} tabIndex={0}>
        <div class="head row" role="row">
          <span role="columnheader" class="c-check">
            <input type="checkbox" aria-label="Choose all that are shown" checked={every.length > 0 && every.every((name) => chosen.value.includes(name))} onChange={(event) => (chosen.value = event.currentTarget.checked ? every : [])} />
          </span>
          {SORTS.slice(0, 2).map((name) => (
            <Head name={name} />
          ))}
          <Head name="update" />
          <span role="columnheader" class="c-bars">
            recent
          </span>
          <Head name="age" />
          <span role="columnheader" class="c-endpoints">
            endpoints
          </span>
          <span role="columnheader" class="c-actions">
            <span class="hidden">actions</span>
          </span>
        </div>
        {list.length === 0 && <Empty />}
        <div role="rowgroup" style={{ height: `${virtual.height}px`, position: "relative" }} onFocusIn={(event) => reach(nameIn(event.target as Element))}>
          {virtual.items.map((at) => {
            const item = list[at.index];
            if (!item) return null;
            const style = { transform: `translateY(${at.start}px)` };
            return item.kind === "group" ? (
              <Group key={at.key} item={item} style={style} />
            ) : (
              <ResourceRow key={at.key} row={item.row} depth={item.depth} style={style} index={at.index} measure={virtual.measure} />
            );
          })}
        </div>
      </div>
    </main>
  );
}

function Empty(): JSX.Element {
  if (ordered.value.length > 1) {
    return (
      <p class="empty">
        No resource matches the filter.{" "}
        <button type="button" onClick={() => setQuery({ q: "", show: "", label: "" })}>
          Show all
        </button>
      </p>
    );
  }
  return <p class="empty">The Tiltfile is being evaluated: its resources appear here.</p>;
}

function Head({ name }: { name: (typeof SORTS)[number] }): JSX.Element {
  const sort = query.value.get("sort") ?? "";
  const state = sort === name ? "ascending" : sort === `-${name}` ? "descending" : "none";
  const next = sort === name ? `-${name}` : sort === `-${name}` ? "" : name;
  const title = name === "name" ? "resource" : name;
  return (
    <span role="columnheader" class={`c-${name}`} aria-sort={state}>
      <button type="button" class="quiet" onClick={() => setQuery({ sort: next })}>
        {title} {state === "ascending" ? "↑" : state === "descending" ? "↓" : ""}
      </button>
    </span>
  );
}

type Styled = { style: { transform: string } };

function Group({ item, style }: { item: Extract<Item, { kind: "group" }> } & Styled): JSX.Element {
  const open = !folded.value.includes(item.label);
  const names = item.rows.filter((row) => row.name !== TILTFILE).map((row) => row.name);
  const short = item.depth ? item.label.split(SEPARATOR).slice(-1)[0] : item.label;
  return (
    <div class="group row" role="row" style={{ ...style, height: `${GROUP_HEIGHT}px` }}>
      <span role="cell" class="c-group" style={{ paddingLeft: `${item.depth * 16}px` }}>
        <input
          type="checkbox"
          aria-label={`Choose all of ${item.label}`}
          checked={names.length > 0 && names.every((name) => chosen.value.includes(name))}
          onChange={(event) => {
            const others = chosen.value.filter((name) => !names.includes(name));
            chosen.value = event.currentTarget.checked ? [...others, ...names] : others;
          }}
        />
        <button type="button" class="quiet" aria-expanded={open} onClick={() => (folded.value = toggled(folded.value, item.label))}>
          {open ? "▾" : "▸"} <b>{short}</b>
        </button>
        {DOTS.map((dot) => <Count dot={dot} rows={item.rows} />)}
      </span>
      <span role="cell" class="c-actions">
        <button type="button" class="quiet" title={`Trigger ${plural(names.length, "resource")}`} aria-label={`Trigger all of ${item.label}`} onClick={() => void trigger(names)}>
          ↻
        </button>
      </span>
    </div>
  );
}

function Count({ dot, rows }: { dot: Dot; rows: Row[] }): JSX.Element | null {
  const count = rows.filter((row) => row.dot === dot).length;
  if (!count) return null;
  return (
    <span class="count" title={`${count} ${WORDS[dot]}`}>
      <Sign dot={dot} /> {count}
    </span>
  );
}

/** On a phone a row is a card that is as high as what it says. */
function ResourceRow({ row, depth, style, index, measure }: { row: Row; depth: number; index: number; measure: (element: Element | null) => void } & Styled): JSX.Element {
  const starred = stars.value.includes(row.name);
  const picked = chosen.value.includes(row.name);
  const indent = { paddingLeft: `${Math.max(0, depth - 1) * 16}px` };
  const classes = ["row", row.dot, focused.value === row.name && "focused", row.enabled === false && "off"];
  return (
    <div class={classes.filter(Boolean).join(" ")} role="row" style={narrow.value ? style : { ...style, height: `${ROW_HEIGHT}px` }} ref={narrow.value ? measure : null} data-index={index} data-resource={row.name} onDblClick={() => go(resourcePath(row.name))}>
      <span role="cell" class="c-check" style={indent}>
        <input type="checkbox" aria-label={`Choose ${row.name}`} checked={picked} disabled={row.name === TILTFILE} onChange={() => (chosen.value = toggled(chosen.value, row.name))} />
      </span>
      <span role="cell" class="c-name" style={narrow.value ? {} : indent}>
        <Sign dot={row.dot} />
        <To to={resourcePath(row.name)} class="name">
          {row.name}
        </To>
        <button type="button" class="quiet star" aria-pressed={starred} aria-label={`Star ${row.name}`} onClick={() => (stars.value = toggled(stars.value, row.name))}>
          {starred ? "★" : "☆"}
        </button>
      </span>
      <span role="cell" class="c-status">
        <Toned cell={row.status} />
        {row.restarts ? <span class="tone-warn" title={plural(row.restarts, "restart")}> ⟳{row.restarts}</span> : null}
        {row.error ? <span class="why" title={row.error}>{row.error.split("\n")[0]}</span> : null}
        {row.pod ? <span class="why pod" title={`pod ${row.pod}`}>{row.pod}</span> : null}
      </span>
      <span role="cell" class="c-update">
        <UpdateCell row={row} />
        {row.warnings?.length ? <span class="tone-warn" title={row.warnings.join("\n")}> ▲{row.warnings.length}</span> : null}
      </span>
      <span role="cell" class="c-bars">
        <Bars bars={row.recent} />
      </span>
      <span role="cell" class="c-age">
        <Age time={row.since} />
      </span>
      <span role="cell" class="c-endpoints">
        <Endpoints links={row.endpoints} />
      </span>
      <span role="cell" class="c-actions">
        {row.mode === "manual" && <span class="badge" title="Updates wait for a trigger">manual</span>}
        <button type="button" class="quiet" aria-label={`Trigger ${row.name}`} title="Trigger an update" onClick={() => void trigger([row.name])}>
          ↻
        </button>
      </span>
    </div>
  );
}

/** Only what has a label, or one of the labels within it. */
function Labels(): JSX.Element | null {
  const shown = query.value.get("label") ?? "";
  const known = new Set(ordered.value.flatMap((row) => row.labels ?? []));
  for (const label of [...known]) for (const found of label.matchAll(/[/.]/g)) known.add(label.slice(0, found.index));
  if (shown) known.add(shown);
  if (!known.size) return null;
  return (
    <select aria-label="Label" value={shown} onChange={(event) => setQuery({ label: event.currentTarget.value })}>
      <option value="">all labels</option>
      {[...known].sort().map((label) => (
        <option value={label}>{label}</option>
      ))}
    </select>
  );
}

/** What can be done with the chosen rows. */
function Bulk(): JSX.Element | null {
  const names = chosen.value.filter((name) => ordered.value.some((row) => row.name === name));
  if (!names.length) return null;
  const act = (work: Promise<void>) => void work.then(() => (chosen.value = []));
  return (
    <div class="bulk" role="toolbar" aria-label="Chosen resources">
      <b>{plural(names.length, "resource")} chosen</b>
      <button type="button" onClick={() => act(trigger(names))}>Trigger</button>
      <button type="button" onClick={() => act(setEnabled(names, true))}>Enable</button>
      <button type="button" onClick={() => act(setEnabled(names, false))}>Disable</button>
      <button type="button" onClick={() => go(`/log?resources=${names.map((name) => encodeURIComponent(encodeURIComponent(name))).join(",")}`)}>Log</button>
      <button type="button" class="quiet" onClick={() => (chosen.value = [])}>Clear</button>
    </div>
  );
}
