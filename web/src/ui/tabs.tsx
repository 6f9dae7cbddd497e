import "../style/tabs.css";
import { type ReactNode, useId, useRef, useState } from "react";

export type Tab = { id: string; name: string; content: ReactNode };

/** One of several panels at a time; arrow keys move between them, as a screen reader's user expects. */
export function Tabs({ label, tabs }: { label: string; tabs: readonly Tab[] }) {
  const id = useId();
  const [at, setAt] = useState(0);
  const buttons = useRef<(HTMLButtonElement | null)[]>([]);
  const move = (place: number) => {
    const next = (place + tabs.length) % tabs.length;
    setAt(next);
    buttons.current[next]?.focus();
  };
  return (
    <div className="tabbed">
      <div className="tabs" role="tablist" aria-label={label}>
        {tabs.map((tab, place) => (
          <button
            key={tab.id}
            ref={(element) => {
              buttons.current[place] = element;
            }}
            type="button"
            role="tab"
            id={`${id}-${tab.id}`}
            aria-selected={place === at}
            aria-controls={`${id}-${tab.id}-panel`}
            tabIndex={place === at ? 0 : -1}
            onClick={() => setAt(place)}
            onKeyDown={(event) => {
              if (event.key === "ArrowRight") move(at + 1);
              if (event.key === "ArrowLeft") move(at - 1);
              if (event.key === "Home") move(0);
              if (event.key === "End") move(tabs.length - 1);
            }}
          >
            {tab.name}
          </button>
        ))}
      </div>
      {tabs.map((tab, place) => (
        <div
          key={tab.id}
          role="tabpanel"
          id={`${id}-${tab.id}-panel`}
          aria-labelledby={`${id}-${tab.id}`}
          hidden={place !== at}
        >
          {tab.content}
        </div>
      ))}
    </div>
  );
}
