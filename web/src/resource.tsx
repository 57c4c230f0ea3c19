// One resource: how it is doing in a sentence, what was done for it, its pods, its definition, its log.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Buttons, stopUpdate } from "./buttons";
import { clock, duration, moment, reason } from "./format";
import { Log } from "./log";
import { Age, Dialog, Endpoints, Sign, To, UpdateCell, WORDS } from "./pieces";
import { detail, say, setArgs, setEnabled, trigger } from "./requests";
import { resourcePath } from "./router";
import { TILTFILE, generation, ordered, rows, session } from "./state";
import type { ClusterEvent, Detail, Pod, PageRow as Row, Update } from "./wire";

const TABS = ["log", "updates", "pods", "definition"] as const;

export function ResourcePage({ name, tab }: { name: string; tab: string }): JSX.Element {
  const row = rows.value.get(name);
  return (
    <main class="resource">
      <nav class="side" aria-label="Resources">
        {ordered.value.map((each) => (
          <To key={each.name} to={resourcePath(each.name, tab === "log" ? "overview" : tab)} aria-current={each.name === name ? "page" : undefined}>
            <Sign dot={each.dot} /> <span class="name">{each.name}</span>
          </To>
        ))}
      </nav>
      <div class="body">{row ? <Body row={row} tab={tab} /> : <p class="empty">There is no resource {name}.</p>}</div>
    </main>
  );
}

function Body({ row, tab }: { row: Row; tab: string }): JSX.Element {
  const mine = useDetail(row.name, row.changes ?? 0);
  return (
    <>
      <Header row={row} detail={mine} />
      {row.error && (
        <pre class="error-box" role="alert" tabIndex={0}>
          {row.error}
        </pre>
      )}
      {row.warnings?.map((warning) => <p class="warning">▲ {warning}</p>)}
      <nav class="tabs" aria-label="Parts of the resource">
        {TABS.filter((each) => each !== "pods" || row.pod || mine?.events?.length || tab === "pods").map((each) => (
          <To to={resourcePath(row.name, each === "log" ? "overview" : each)} class={`tab ${tab === each ? "active" : ""}`} aria-current={tab === each ? "page" : undefined}>
            {each}
            {each === "updates" && mine?.updates?.length ? <span class="badge">{mine.updates.length}</span> : null}
            {each === "pods" && mine?.pods?.length ? <span class="badge">{mine.pods.length}</span> : null}
          </To>
        ))}
      </nav>
      {tab === "log" && <Log resources={[row.name]} />}
      {tab === "updates" && mine && <Updates updates={mine.updates ?? []} />}
      {tab === "pods" && mine && (
        <div class="pods">
          <Pods pods={mine.pods ?? []} />
          <Events events={mine.events ?? []} />
        </div>
      )}
      {tab === "definition" && mine && <DefinitionView detail={mine} />}
    </>
  );
}

/** The details of a resource, asked for again when it has changed; one question at a time. */
function useDetail(name: string, changes: number): Detail | null {
  const [found, setFound] = useState<Detail | null>(null);
  const asking = useRef({ name: "", again: false });
  useEffect(() => {
    const ask = () => {
      asking.current = { name, again: false };
      detail(name)
        .then(
          (each) => name === asking.current.name && setFound(each),
          (problem: Error) => name === asking.current.name && say(problem.message, true),
        )
        .finally(() => {
          if (asking.current.name !== name) return;
          const again = asking.current.again;
          asking.current = { name: "", again: false };
          if (again) ask();
        });
    };
    if (asking.current.name === name) asking.current.again = true;
    else ask();
  }, [name, changes, generation.value]);
  return found?.name === name ? found : null;
}

/** How it is doing, as a sentence. */
function sentence(row: Row): string {
  if (row.enabled === false) return "disabled: nothing of it runs";
  if (row.dot === "error") return row.crashed ? "what runs is broken" : "the last update failed";
  if (row.dot === "updating") return `an update runs: ${row.update.text}`;
  if (row.waits) return row.waits;
  if (row.dot === "pending") return row.status.text ? `not ready yet: ${row.status.text}` : "an update is due";
  if (row.dot === "idle") return row.status.text || "nothing was asked for yet";
  return "up to date and ready";
}

function Header({ row, detail: found }: { row: Row; detail: Detail | null }): JSX.Element {
  const [args, setShown] = useState(false);
  const isTiltfile = row.name === TILTFILE;
  return (
    <header class="resource-head">
      <h1>
        <Sign dot={row.dot} /> {row.name}
      </h1>
      <p>
        <b class={`dot-word ${row.dot}`}>{WORDS[row.dot]}</b> – {sentence(row)}; last update: <UpdateCell row={row} /> {row.since && <>(<Age time={row.since} />)</>}
        {row.restarts ? `; ${row.restarts} restarts` : ""}
      </p>
      <div class="actions">
        <Endpoints links={row.endpoints} />
        <button type="button" class="primary" onClick={() => void trigger([row.name])}>
          ↻ Trigger
        </button>
        {row.startedAt && (
          <button type="button" title="Stop the update that runs" onClick={() => void stopUpdate(row.name)}>
            ■ Stop
          </button>
        )}
        {!isTiltfile && (
          <button type="button" onClick={() => void setEnabled([row.name], row.enabled === false)}>
            {row.enabled === false ? "Enable" : "Disable"}
          </button>
        )}
        {isTiltfile && (
          <button type="button" onClick={() => setShown(true)}>
            Arguments…
          </button>
        )}
        <Buttons type="resource" id={row.name} />
      </div>
      <Relations label="depends on" names={found?.waitsFor} />
      <Relations label="needed by" names={found?.neededBy} />
      {args && <Arguments close={() => setShown(false)} />}
    </header>
  );
}

function Relations({ label, names }: { label: string; names: string[] | undefined }): JSX.Element | null {
  if (!names?.length) return null;
  return (
    <p class="relations">
      {label}{" "}
      {names.map((name) => (
        <To to={resourcePath(name)} class="chip">
          {rows.value.get(name) && <Sign dot={rows.value.get(name)?.dot ?? "idle"} />} {name}
        </To>
      ))}
    </p>
  );
}

/** An argument as a line: quoted as in JSON where it is empty, has lines of its own, or begins as if it were quoted. */
function lineOf(arg: string): string {
  return arg === "" || arg.startsWith('"') || /[\r\n]/.test(arg) ? JSON.stringify(arg) : arg;
}

function argIn(line: string): string {
  if (!line.startsWith('"')) return line;
  try {
    const arg: unknown = JSON.parse(line);
    return typeof arg === "string" ? arg : line;
  } catch {
    return line;
  }
}

/** The arguments of the Tiltfile, one word each. */
function Arguments({ close }: { close: () => void }): JSX.Element {
  const [text, setText] = useState((session.value?.summary.args ?? []).map(lineOf).join("\n"));
  return (
    <Dialog title="Arguments of the Tiltfile" onClose={close}>
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          void setArgs(text.split("\n").filter(Boolean).map(argIn)).then((done) => done && close());
        }}
      >
        <label>
          <span>
            One argument a line, as after <code>tilt up --</code>; <code>""</code> is an empty one, and <code>\n</code> a new line between quotes
          </span>
          <textarea rows={6} value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <footer>
          <button type="button" class="quiet" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="primary">
            Evaluate
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

function Updates({ updates }: { updates: Update[] }): JSX.Element {
  if (!updates.length) return <p class="empty">Nothing was updated yet.</p>;
  return (
    <ol class="updates">
      {updates.map((update) => (
        <li key={update.id} class={update.outcome ?? "running"}>
          <div class="update-head">
            <b>{update.strategy}</b>
            <span class={`outcome ${update.outcome ?? "running"}`}>{update.outcome ?? "running"}</span>
            <span>{update.seconds ? duration(update.seconds) : ""}</span>
            <time dateTime={update.startedAt} title={moment(update.startedAt)}>
              {clock(update.startedAt)}
            </time>
            <span>{reason(update.reason)}</span>
            <Files files={update.changedFiles ?? []} />
          </div>
          {update.error && <pre class="error-box" tabIndex={0}>{update.error}</pre>}
          <Waterfall update={update} />
          {update.note && <p class="note">{update.note}</p>}
          {update.warnings?.map((warning) => <p class="warning">▲ {warning}</p>)}
        </li>
      ))}
    </ol>
  );
}

/** Where the time of an update went: one bar a step, from the first event on. */
function Waterfall({ update }: { update: Update }): JSX.Element | null {
  const steps = update.steps ?? [];
  const total = Math.max(...steps.map((step) => (step.begin ?? 0) + (step.seconds ?? 0)), 0.001);
  if (!steps.length) return null;
  const share = (seconds: number) => `${(seconds / total) * 100}%`;
  return (
    <div class="waterfall" role="list" aria-label="Steps">
      {steps.map((step) => (
        <div role="listitem">
          <span class="step-name">
            {step.name}
            {step.subject ? ` ${step.subject}` : ""}
          </span>
          <span class="step-bar">
            <i style={{ left: share(step.begin ?? 0), width: share(step.seconds ?? 0) }} />
          </span>
          <span class="step-took">{duration(step.seconds ?? 0)}</span>
        </div>
      ))}
    </div>
  );
}

function Files({ files }: { files: string[] }): JSX.Element {
  if (!files.length) return <></>;
  const [first, ...rest] = files;
  return (
    <span class="files" title={files.join("\n")}>
      {first}
      {rest.length ? ` and ${rest.length} more` : ""}
    </span>
  );
}

function Pods({ pods }: { pods: Pod[] }): JSX.Element {
  if (!pods.length) return <p class="empty">There are no pods.</p>;
  return (
    <>
      {pods.map((pod) => (
        <article key={pod.uid}>
          <h2>{pod.name}</h2>
          <p>
            {pod.status || pod.phase || "Pending"} in {pod.namespace}, <Age time={pod.createdAt} /> old{pod.ip ? `, ${pod.ip}` : ""}
          </p>
          {pod.message && <pre class="error-box">{pod.message}</pre>}
          <div class="scroll" tabIndex={0} role="group" aria-label={`Containers of ${pod.name}`}>
            <table>
              <thead>
                <tr>
                  <th>container</th>
                  <th>state</th>
                  <th>ready</th>
                  <th>restarts</th>
                  <th>image</th>
                </tr>
              </thead>
              <tbody>
                {(pod.containers ?? []).map((each) => (
                  <tr>
                    <td>
                      {each.name}
                      {each.init ? " (init)" : ""}
                    </td>
                    <td>
                      {each.state ?? "waiting"}
                      {each.reason ? `: ${each.reason}` : ""}
                      {each.exitCode === null || each.exitCode === undefined ? "" : `, exit code ${each.exitCode}`}
                      {each.message ? <pre>{each.message}</pre> : null}
                    </td>
                    <td>{each.ready ? "yes" : "no"}</td>
                    <td>{each.restarts ?? 0}</td>
                    <td class="image">{each.image}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <p class="conditions">
            {(pod.conditions ?? []).map((each) => (
              <span class={`chip ${each.status === "True" ? "tone-ok" : "tone-warn"}`} title={[each.reason, each.message].filter(Boolean).join(": ")}>
                {each.status === "True" ? "✔" : "✖"} {each.type}
              </span>
            ))}
          </p>
        </article>
      ))}
    </>
  );
}

/** What the cluster says of it. */
function Events({ events }: { events: ClusterEvent[] }): JSX.Element | null {
  if (!events.length) return null;
  return (
    <article>
      <h2>Events</h2>
      <div class="scroll" tabIndex={0} role="group" aria-label="Events">
        <table class="events">
          <thead>
            <tr>
              <th>last seen</th>
              <th>reason</th>
              <th>object</th>
              <th>message</th>
            </tr>
          </thead>
          <tbody>
            {events.map((event) => (
              <tr key={event.uid} class={event.type === "Warning" ? "tone-warn" : ""}>
                <td>
                  <Age time={event.lastSeen} />
                  {(event.count ?? 1) > 1 ? ` (${event.count}×)` : ""}
                </td>
                <td>
                  {event.type === "Warning" ? "▲ " : ""}
                  {event.reason}
                </td>
                <td>{event.object}</td>
                <td class="message">{event.message}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </article>
  );
}

function DefinitionView({ detail: { definition, live } }: { detail: Detail }): JSX.Element {
  return (
    <div class="definition">
      <Facts title="Resource" facts={[...(definition.facts ?? []), ...(live?.length ? [{ name: "updated in place", values: live }] : [])]} />
      {(definition.images ?? []).map((image) => (
        <Facts title={`Image ${image.name}`} facts={image.facts ?? []}>
          <h3>Live update</h3>
          {image.liveUpdate?.length ? (
            <ol class="steps">
              {image.liveUpdate.map((step) => (
                <li>
                  <code>{step}</code>
                </li>
              ))}
            </ol>
          ) : (
            <p class="note">Every change asks for a build.</p>
          )}
        </Facts>
      ))}
      {definition.changes && (
        <section>
          <h2>What changed since it was applied before</h2>
          <pre class="yaml diff" tabIndex={0}>
            {definition.changes.split("\n").map((line) => (
              <span class={line.startsWith("+") ? "tone-ok" : line.startsWith("-") ? "tone-error" : line.startsWith("@") ? "tone-muted" : ""}>{`${line}\n`}</span>
            ))}
          </pre>
        </section>
      )}
      {definition.yaml && (
        <section>
          <h2>What is applied</h2>
          <pre class="yaml" tabIndex={0}>{definition.yaml}</pre>
        </section>
      )}
    </div>
  );
}

function Facts({ title, facts, children }: { title: string; facts: { name: string; values: string[] }[]; children?: ComponentChildren }): JSX.Element {
  return (
    <section>
      <h2>{title}</h2>
      <dl>
        {facts.map((fact) => (
          <>
            <dt>{fact.name}</dt>
            <dd>
              {fact.values.map((value) => (
                <code>{value}</code>
              ))}
            </dd>
          </>
        ))}
      </dl>
      {children}
    </section>
  );
}
