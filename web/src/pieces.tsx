// Small parts that several places draw.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { age, duration } from "./format";
import { href, onLink } from "./router";
import { now } from "./state";
import type { Bar, Cell, Dot, Link, PageRow as Row } from "./wire";

export const GLYPHS: Record<Dot, string> = { error: "✖", updating: "◐", pending: "◌", ok: "●", idle: "○", disabled: "–" };
export const WORDS: Record<Dot, string> = {
  error: "broken",
  updating: "updating",
  pending: "pending",
  ok: "ok",
  idle: "idle",
  disabled: "disabled",
};
export const DOTS: readonly Dot[] = ["error", "updating", "pending", "ok", "idle", "disabled"];

/** State by shape and by colour. */
export function Sign({ dot }: { dot: Dot }): JSX.Element {
  return (
    <span class={`sign ${dot}`} role="img" aria-label={WORDS[dot]} title={WORDS[dot]}>
      {GLYPHS[dot]}
    </span>
  );
}

export function Toned({ cell }: { cell: Cell }): JSX.Element {
  return (
    <span class={`tone-${cell.tone ?? "plain"}`} title={cell.text}>
      {cell.text}
    </span>
  );
}

/** The work of the row: what runs and for how long, or what ran last. */
export function UpdateCell({ row }: { row: Row }): JSX.Element {
  if (!row.startedAt) return <Toned cell={row.update} />;
  const seconds = Math.max(0, (now.value - Date.parse(row.startedAt)) / 1000);
  return (
    <span class="tone-busy">
      {row.update.text} {seconds >= 1 ? duration(seconds) : ""}
    </span>
  );
}

export function Age({ time }: { time: string | undefined }): JSX.Element {
  return <time dateTime={time}>{age(time, now.value)}</time>;
}

/** Recent updates, oldest first: the higher, the longer. */
export function Bars({ bars }: { bars: Bar[] | undefined }): JSX.Element {
  return (
    <span class="bars" aria-hidden="true">
      {(bars ?? []).map((bar) => (
        <i class={`bar tone-${bar.tone}`} style={{ height: `${bar.level * 2}px` }} />
      ))}
    </span>
  );
}

export function Endpoints({ links }: { links: Link[] | undefined }): JSX.Element | null {
  if (!links?.length) return null;
  return (
    <span class="endpoints">
      {links.map((link) =>
        link.error || !/^https?:/.test(link.url) ? (
          <span class={link.error ? "tone-error" : ""} title={link.error || link.url}>
            {link.error ? "✖ " : ""}
            {link.name || short(link.url)}
          </span>
        ) : (
          <a href={link.url} target="_blank" rel="noreferrer noopener" title={link.url}>
            {link.name || short(link.url)}
          </a>
        ),
      )}
    </span>
  );
}

function short(url: string): string {
  return url.replace(/^https?:\/\/(localhost|127\.0\.0\.1)?/, "").replace(/\/$/, "") || url;
}

export function To({ to, children, ...rest }: { to: string; children: ComponentChildren; class?: string; "aria-current"?: "page" | undefined }): JSX.Element {
  return (
    <a href={href(to)} onClick={(event) => onLink(event, to)} {...rest}>
      {children}
    </a>
  );
}

/** A dialog above the page: Escape closes it, the keyboard stays within. */
export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ComponentChildren }): JSX.Element {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => element.current?.showModal(), []);
  return (
    <dialog ref={element} aria-label={title} onClose={onClose} onClick={(event) => event.target === element.current && onClose()}>
      <div class="dialog">
        <header>
          <h2>{title}</h2>
          <button type="button" class="quiet" aria-label="Close" onClick={onClose}>
            ✕
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
