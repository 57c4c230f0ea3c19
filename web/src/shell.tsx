// The frame of every place: the session on top, what is wrong with the connection, messages, keys.

import { effect, signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { Buttons } from "./buttons";
import { plural } from "./format";
import { Graph } from "./graph";
import { Log } from "./log";
import { chosen, focused, fromTop, nameIn, Overview } from "./overview";
import { Dialog, DOTS, Sign, To, WORDS } from "./pieces";
import { dismiss, setEnabled, toasts, trigger } from "./requests";
import { ResourcePage } from "./resource";
import { go, namesIn, place, query, resourcePath, setQuery } from "./router";
import { notify, stars, theme, toggled, wrap, type Theme } from "./settings";
import { snapshot } from "./snapshot";
import { link, ordered, rows, session, TILTFILE } from "./state";
import { Timeline } from "./timeline";
import type { Dot, PageRow as Row } from "./wire";

const helping = signal(false);

const COLOURS: Record<"red" | "busy" | "green" | "grey", string> = { red: "#d93025", busy: "#d29922", green: "#1a7f37", grey: "#8b949e" };

/** The state of the whole session in one word. */
function mood(): keyof typeof COLOURS {
  if (link.value === "lost" || link.value === "refused" || link.value === "connecting") return "grey";
  const dots = ordered.value.map((row) => row.dot);
  if (dots.includes("error") || session.value?.summary.clusterError) return "red";
  return dots.includes("updating") || dots.includes("pending") ? "busy" : "green";
}

effect(() => {
  const colour = COLOURS[mood()];
  const shape =
    mood() === "red" ? '<path d="M4 4l8 8M12 4l-8 8" stroke="#fff" stroke-width="2.4"/>' : mood() === "green" ? '<path d="M4 8.5l3 3 5-6" stroke="#fff" stroke-width="2.4" fill="none"/>' : "";
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="8" fill="${colour}"/>${shape}</svg>`;
  document.querySelector('link[rel="icon"]')?.setAttribute("href", `data:image/svg+xml,${encodeURIComponent(svg)}`);
  const bad = ordered.value.filter((row) => row.dot === "error").length;
  const sign = { red: `✖ ${bad}`, busy: "◐", green: "✔", grey: "…" }[mood()];
  document.title = `${sign} ${session.value?.summary.project || "Tilt"}`;
});

// Rows that turned red or green again are announced to screen readers, and as notifications if somebody wants them.
const announced = signal("");
const settled = new Map<string, Dot>();
effect(() => {
  for (const row of ordered.value) {
    const before = settled.get(row.name);
    if (row.dot !== "ok" && row.dot !== "error") continue;
    settled.set(row.name, row.dot);
    if (before === undefined || before === row.dot) continue;
    const text = row.dot === "error" ? `${row.name} is broken: ${row.error?.split("\n")[0] ?? ""}` : `${row.name} is ok again`;
    announced.value = text;
    if (notify.peek() && document.hidden && "Notification" in window && Notification.permission === "granted") {
      new Notification(`Tilt: ${row.name}`, { body: text, tag: row.name });
    }
  }
});

export function Shell(): JSX.Element {
  useKeys();
  const at = place.value;
  return (
    <>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <Top />
      <Banner />
      <div id="content">
        {at.at === "overview" && <Overview />}
        {at.at === "log" && (
          <main class="whole-log">
            <h1 class="hidden">Log of the session</h1>
            <Log chosen resources={namesIn(query.value.get("resources"))} />
          </main>
        )}
        {at.at === "timeline" && <Timeline />}
        {at.at === "graph" && <Graph />}
        {at.at === "resource" && <ResourcePage name={at.name} tab={at.tab} />}
      </div>
      <div class="toasts" role="status">
        {toasts.value.map((toast) => (
          <div key={toast.id} class={toast.bad ? "toast bad" : "toast"}>
            <span>{toast.text}</span>
            {toast.undo && (
              <button type="button" onClick={() => { toast.undo?.(); dismiss(toast.id); }}>
                Undo
              </button>
            )}
            <button type="button" class="quiet" aria-label="Dismiss" onClick={() => dismiss(toast.id)}>
              ✕
            </button>
          </div>
        ))}
      </div>
      <div class="hidden" aria-live="polite">
        {announced.value}
      </div>
      {helping.value && <Help />}
    </>
  );
}

function Top(): JSX.Element {
  const at = place.value.at;
  const view = session.value;
  const broken = view?.summary.broken ?? [];
  return (
    <header class="top">
      <To to="/" class="brand">
        <b>{view?.summary.project || "Tilt"}</b>
        <span class="context">
          {view?.summary.context}
          {view?.summary.namespace ? ` / ${view.summary.namespace}` : ""}
        </span>
      </To>
      <nav aria-label="Pages">
        {(["overview", "log", "timeline", "graph"] as const).map((name) => (
          <To to={name === "overview" ? "/" : `/${name}`} aria-current={at === name ? "page" : undefined}>
            {name}
          </To>
        ))}
        <To to={resourcePath(TILTFILE)} aria-current={place.value.at === "resource" && place.value.name === TILTFILE ? "page" : undefined}>
          {rows.value.get(TILTFILE) && <Sign dot={view?.summary.tiltfile ?? "pending"} />} Tiltfile
        </To>
      </nav>
      <Chips />
      {broken.length > 0 && (
        <To to={resourcePath(broken[0] ?? "")} class="first-broken">
          {broken[0]}
          {broken.length > 1 ? ` and ${broken.length - 1} more` : ""}
        </To>
      )}
      <span class="grow" />
      <Buttons type="global" id="nav" />
      {!snapshot && view?.snapshots !== false && (
        <a class="button quiet" href="/api/snapshot" download="tilt-snapshot.html" aria-label="Snapshot" title="Keep this page in one file, to look at later or to send">
          ⤓
        </a>
      )}
      <Settings />
      <button type="button" class="quiet" aria-label="Help" title="Keys (?)" onClick={() => (helping.value = true)}>
        ?
      </button>
    </header>
  );
}

/** How many rows there are of each state; a click shows only these. */
function Chips(): JSX.Element {
  const show = query.value.get("show") ?? "";
  return (
    <div class="chips" role="group" aria-label="States">
      {DOTS.map((dot) => {
        const count = ordered.value.filter((row) => row.name !== TILTFILE && row.dot === dot).length;
        if (!count && show !== dot) return null;
        return (
          <button
            type="button"
            class="quiet chip"
            aria-pressed={show === dot}
            title={`Show what is ${WORDS[dot]}`}
            onClick={() => {
              if (place.value.at !== "overview") go("/");
              setQuery({ show: show === dot ? "" : dot });
            }}
          >
            <Sign dot={dot} /> {count}
          </button>
        );
      })}
    </div>
  );
}

function Settings(): JSX.Element {
  const askToNotify = async () => {
    if (notify.value) notify.value = false;
    else if ("Notification" in window) notify.value = (await Notification.requestPermission()) === "granted";
  };
  return (
    <>
      <select aria-label="Theme" value={theme.value} onChange={(event) => (theme.value = event.currentTarget.value as Theme)}>
        <option value="system">system</option>
        <option value="light">light</option>
        <option value="dark">dark</option>
        <option value="contrast">contrast</option>
      </select>
      <button type="button" class="quiet" aria-pressed={notify.value} aria-label="Notifications" title="Notify on red and on green again" onClick={() => void askToNotify()}>
        {notify.value ? "🔔" : "🔕"}
      </button>
    </>
  );
}

function Banner(): JSX.Element | null {
  const said = problem();
  return said && <aside aria-label="Session">{said}</aside>;
}

/** What is wrong with the session, or that it is none. */
function problem(): JSX.Element | null {
  const view = session.value;
  if (snapshot) return <p class="banner">A snapshot of {new Date(snapshot.createdAt).toLocaleString("sv-SE")}: nothing here runs.</p>;
  if (link.value === "refused") {
    return (
      <p class="banner bad" role="alert">
        This browser may not see the session: open the link that <code>tilt open --print</code> prints.
      </p>
    );
  }
  if (link.value === "lost") {
    return (
      <p class="banner bad" role="alert">
        {view ? "The session has ended or cannot be reached; the page shows its last state and connects again by itself." : "There is no session at this address; the page tries again by itself."}
      </p>
    );
  }
  if (view?.summary.clusterError) return <p class="banner bad" role="alert">{view.summary.clusterError}</p>;
  if (view?.error) return <p class="banner bad" role="alert">{view.error}</p>;
  return null;
}

const KEYS: [string, string][] = [
  ["j / k", "next, previous resource"],
  ["Enter", "open the resource"],
  ["Esc", "back to all resources"],
  ["/", "filter, or find in the log"],
  ["t", "trigger an update"],
  ["x", "choose the resource"],
  ["d / e", "disable, enable"],
  ["s", "star the resource"],
  ["o  l  i  g", "overview, log, timeline, graph"],
  ["u", "show only what is broken"],
  ["Home / End", "start of the log; end, and follow"],
  ["w", "wrap lines"],
  ["?", "these keys"],
];

function Help(): JSX.Element {
  return (
    <Dialog title="Keys" onClose={() => (helping.value = false)}>
      <dl class="keys">
        {KEYS.map(([key, what]) => (
          <>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </>
        ))}
      </dl>
      <p class="note">
        pytilt {session.value?.version}; {plural(ordered.value.length, "resource")}; {session.value?.tiltfilePath}
      </p>
    </Dialog>
  );
}

function useKeys(): void {
  useEffect(() => {
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}

function subject(): Row | undefined {
  const at = place.value;
  return rows.value.get(at.at === "resource" ? at.name : focused.value);
}

function step(by: number): void {
  const list = place.value.at === "overview" ? fromTop.value : ordered.value;
  const name = subject()?.name;
  const at = list.findIndex((row) => row.name === name);
  const next = list[at < 0 ? 0 : Math.min(list.length - 1, Math.max(0, at + by))];
  if (!next) return;
  focused.value = next.name;
  if (place.value.at === "resource") go(resourcePath(next.name));
}

function onKey(event: KeyboardEvent): void {
  const element = event.target as HTMLElement;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (element.matches("input:not([type=checkbox]), textarea, select")) {
    if (event.key === "Escape") element.blur();
    return;
  }
  const row = subject();
  const own = row && row.name !== TILTFILE ? row : undefined;
  const actions: Record<string, () => void> = {
    j: () => step(1),
    k: () => step(-1),
    Escape: () => go("/"),
    t: () => row && void trigger([row.name]),
    x: () => own && (chosen.value = toggled(chosen.value, own.name)),
    s: () => row && (stars.value = toggled(stars.value, row.name)),
    d: () => own && void setEnabled([own.name], false),
    e: () => own && void setEnabled([own.name], true),
    o: () => go("/"),
    l: () => go("/log"),
    i: () => go("/timeline"),
    g: () => go("/graph"),
    u: () => setQuery({ show: query.value.get("show") === "error" ? "" : "error" }),
    w: () => (wrap.value = !wrap.value),
    "?": () => (helping.value = true),
    "/": () => document.querySelector<HTMLInputElement>(place.value.at === "overview" ? "#filter" : "#find")?.focus(),
  };
  // The focus follows a row that is chosen by a key only when it is drawn, so what is chosen counts.
  if (event.key === "Enter" && nameIn(element) === undefined && element.closest("button, a")) return;
  if (event.key === "Enter" && place.value.at === "overview" && focused.value) {
    event.preventDefault();
    go(resourcePath(focused.value));
    return;
  }
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}
