import "../style/tabs.css";
import { type ReactNode, useId, useRef, useState } from "react";

/** What a list of tabs is drawn of: the id of a tab is `<id>-<tab>`, that of its panel `<id>-<tab>-panel`. */
type ListProps<Name extends string> = {
  id: string;
  label: string;
  tabs: readonly { id: Name; name: string }[];
  chosen: Name;
  onChoice: (chosen: Name) => void;
  className?: string;
};

/** The tabs of some panels; arrow keys, Home and End move between them, as a screen reader's user expects. */
export function TabList<Name extends string>({
  id,
  label,
  tabs,
  chosen,
  onChoice,
  className,
}: ListProps<Name>) {
  const buttons = useRef<(HTMLButtonElement | null)[]>([]);
  const move = (place: number) => {
    const next = (place + tabs.length) % tabs.length;
    const tab = tabs[next];
    if (tab === undefined) return;
    onChoice(tab.id);
    buttons.current[next]?.focus();
  };
  return (
    <div className={`tabs ${className ?? ""}`} role="tablist" aria-label={label}>
      {tabs.map((tab, place) => (
        <button
          key={tab.id}
          ref={(element) => {
            buttons.current[place] = element;
          }}
          type="button"
          role="tab"
          id={`${id}-${tab.id}`}
          aria-selected={tab.id === chosen}
          aria-controls={`${id}-${tab.id}-panel`}
          tabIndex={tab.id === chosen ? 0 : -1}
          onClick={() => onChoice(tab.id)}
          onKeyDown={(event) => {
            if (event.key === "ArrowRight") move(place + 1);
            if (event.key === "ArrowLeft") move(place - 1);
            if (event.key === "Home") move(0);
            if (event.key === "End") move(tabs.length - 1);
          }}
        >
          {tab.name}
        </button>
      ))}
    </div>
  );
}

export type Tab = { id: string; name: string; content: ReactNode };

/** One of several panels at a time. */
export function Tabs({ label, tabs }: { label: string; tabs: readonly Tab[] }) {
  const id = useId();
  const [chosen, setChosen] = useState(tabs[0]?.id ?? "");
  return (
    <div className="tabbed">
      <TabList id={id} label={label} tabs={tabs} chosen={chosen} onChoice={setChosen} />
      {tabs.map((tab) => (
        <div
          key={tab.id}
          role="tabpanel"
          id={`${id}-${tab.id}-panel`}
          aria-labelledby={`${id}-${tab.id}`}
          hidden={tab.id !== chosen}
        >
          {tab.content}
        </div>
      ))}
    </div>
  );
}
