import { usePauseKey } from "../../api/own";
import { explain } from "../../chain/errors";
import { day, epochAt, moment, stretch } from "../../core/epochs";
import { type ApiKey, type KeyState, stateOf, usedPoints } from "../../core/keys";
import { dollars } from "../../core/units";
import { texts } from "../../texts/en";
import { Chip, Notice, type Tone } from "../../ui/basics";

export type KeyAct = "change" | "rotate" | "revoke";

const TONES: Record<KeyState, Tone> = {
  active: "good",
  paused: "warn",
  suspended: "bad",
  expired: "bad",
  expiring: "warn",
};
const JUST_NOW_SECONDS = 60;

/** A key as it stands, what it has spent of its limits, and what its owner may do with it. */
export function KeyItem({ of: key, now, onAct }: { of: ApiKey; now: number; onAct: (act: KeyAct) => void }) {
  const words = texts.keys;
  const pause = usePauseKey();
  const state = stateOf(key, now);
  const isPaused = key.pausedAt !== null;
  // What is said of a button to who hears it out of its place.
  const which = <span className="hidden-visually"> {key.description}</span>;
  return (
    <li className="key" data-state={state}>
      <div className="row apart">
        <h3>
          <bdi>{key.description}</bdi>
        </h3>
        <Chip tone={TONES[state]}>{words.states[state]}</Chip>
      </div>
      <p className="small quiet facts">
        <code>{words.ends(key.lastSix)}</code>
        {key.kind === "ADMIN" && <span>{words.admin}</span>}
        <span>{words.made(day(epochAt(key.createdAt)))}</span>
        <span>{lastUse(key, now)}</span>
        <span>{key.expiresAt === null ? words.neverExpires : words.expires(moment(key.expiresAt))}</span>
        {key.privacy !== "ALL" && <span>{words.form.privacies[key.privacy]}</span>}
      </p>
      <div className="limits">
        <Spent name={words.diem} spent={key.spent.diem} limit={key.limits.diem} of={key} />
        <Spent name={words.usd} spent={key.spent.usd} limit={key.limits.usd} of={key} />
      </div>
      <div className="row">
        <button type="button" className="tiny" onClick={() => onAct("change")}>
          {words.change}
          {which}
        </button>
        <button
          type="button"
          className="tiny"
          disabled={pause.isPending}
          onClick={() => pause.mutate({ key, paused: !isPaused })}
        >
          {isPaused ? words.resume : words.pause}
          {which}
        </button>
        <button type="button" className="tiny" onClick={() => onAct("rotate")}>
          {words.rotate}
          {which}
        </button>
        <button type="button" className="tiny danger" onClick={() => onAct("revoke")}>
          {words.revoke}
          {which}
        </button>
      </div>
      {pause.error !== null && <Notice tone="bad">{explain(pause.error)}</Notice>}
    </li>
  );
}

function Spent({
  name,
  spent,
  limit,
  of,
}: {
  name: string;
  spent: bigint;
  limit: bigint | null;
  of: ApiKey;
}) {
  const words = texts.keys;
  const points = limit === null ? null : Number(usedPoints(spent, limit));
  const label = `${name} ${words.periods[of.limits.period]}`;
  return (
    <div className="spent">
      <div className="row apart small">
        <span>{label}</span>
        <span className="number">
          {limit === null
            ? words.spentNoLimit(dollars(spent))
            : words.spentOf(dollars(spent), dollars(limit))}
        </span>
      </div>
      {points === null ? (
        <div className="gauge none" />
      ) : (
        <progress
          className={`gauge ${points >= 8_000 ? "high" : ""}`}
          aria-label={label}
          max={10_000}
          value={points}
        />
      )}
    </div>
  );
}

function lastUse(key: ApiKey, now: number): string {
  if (key.lastUsedAt === null) return texts.keys.neverUsed;
  const ago = now - key.lastUsedAt;
  return ago < JUST_NOW_SECONDS ? texts.keys.usedNow : texts.keys.lastUsed(stretch(ago));
}
