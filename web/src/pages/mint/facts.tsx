import { localMoment, moment } from "../../core/epochs";
import { basisPoints, percent, tokens } from "../../core/units";
import { texts } from "../../texts/en";
import { Notice, Tile } from "../../ui/basics";
import type { System } from "./minting";

const words = texts.mint;

/** Where the curve stands today. */
export function Facts({ system }: { system: System | undefined }) {
  const diem = system?.diem;
  return (
    <>
      <div className="tiles even">
        <Tile name={words.rate} value={diem && `${tokens(diem.rate, 2)} VVV`} note={words.rateNote} />
        <Tile
          name={words.supply}
          value={diem && `${tokens(diem.supply, 0)} DIEM`}
          note={diem && words.supplyNote(percent(basisPoints(diem.supply, diem.cap), 1), tokens(diem.cap, 0))}
        />
        <Tile
          name={words.target}
          value={diem && `${tokens(diem.target, 0)} DIEM`}
          note={diem && targetNote(diem, system)}
        />
      </div>
      {system !== undefined && system.timestamp < system.diem.opensAt && (
        <Notice tone="warn">
          {words.opens(
            localMoment(Number(system.diem.opensAt), texts.language),
            moment(Number(system.diem.opensAt)),
          )}
        </Notice>
      )}
    </>
  );
}

function targetNote(diem: System["diem"], system: System): string {
  return diem.rampEndsAt > system.timestamp
    ? words.ramp(tokens(diem.rampFrom, 0), tokens(diem.rampTo, 0), moment(Number(diem.rampEndsAt)))
    : words.targetNote;
}
