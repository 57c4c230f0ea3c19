// A list that only draws what is on the screen, over @tanstack/virtual-core.

import { Virtualizer, elementScroll, observeElementOffset, observeElementRect, type VirtualItem } from "@tanstack/virtual-core";
import type { RefObject } from "preact";
import { useLayoutEffect, useReducer, useRef } from "preact/hooks";

export interface VirtualList {
  items: VirtualItem[];
  height: number;
  measure: (element: Element | null) => void;
  scrollTo: (index: number, align: "start" | "center" | "end" | "auto") => void;
}

/** Lay out `count` items; each is measured when it is drawn. */
export function useVirtual(scroller: RefObject<HTMLElement | null>, count: number, itemHeight: (index: number) => number, key: (index: number) => string | number): VirtualList {
  const [, draw] = useReducer((turn: number) => turn + 1, 0);
  const kept = useRef<Virtualizer<HTMLElement, Element> | null>(null);
  const options = {
    count,
    estimateSize: itemHeight,
    getItemKey: key,
    getScrollElement: () => scroller.current,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    overscan: 8,
    onChange: () => draw(0),
  };
  if (!kept.current) kept.current = new Virtualizer(options);
  const list = kept.current;
  list.setOptions(options);
  useLayoutEffect(() => list._didMount(), [list]);
  useLayoutEffect(() => list._willUpdate());
  return {
    items: list.getVirtualItems(),
    height: list.getTotalSize(),
    measure: list.measureElement,
    scrollTo: (index, align) => list.scrollToIndex(index, { align }),
  };
}
