import { type RefObject, useEffect, useRef, useState } from "react";

/** The width of an element in pixels, as it changes: what is drawn to it keeps its letters readable on a phone. */
export function useWidth<T extends HTMLElement>(first: number): [RefObject<T | null>, number] {
  const element = useRef<T>(null);
  const [width, setWidth] = useState(first);
  useEffect(() => {
    const seen = element.current;
    if (seen === null) return;
    const measure = () => setWidth(Math.max(1, Math.floor(seen.clientWidth)));
    measure();
    const watching = new ResizeObserver(measure);
    watching.observe(seen);
    return () => watching.disconnect();
  }, []);
  return [element, width];
}
