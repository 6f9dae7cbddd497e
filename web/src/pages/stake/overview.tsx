import { PRO_STAKE } from "../../core/tiers";
import { tokens } from "../../core/units";
import { texts } from "../../texts/en";
import { Tile } from "../../ui/basics";
import type { Holdings } from "./holdings";

const t = texts.stake;

/** What the wallet has of VVV, wherever it is. */
export function Overview({ holdings }: { holdings: Holdings | undefined }) {
  const told = (wei: bigint | undefined) => (wei === undefined ? undefined : tokens(wei));
  const staked = holdings === undefined ? undefined : holdings.unlocked + holdings.locked;
  return (
    <div className="tiles stake-tiles">
      <Tile name={t.tileWallet} value={told(holdings?.wallet)} note={t.noteWallet} />
      <Tile name={t.tileUnlocked} value={told(holdings?.unlocked)} note={t.noteUnlocked} />
      <Tile name={t.tileLocked} value={told(holdings?.locked)} note={t.noteLocked} />
      <Tile name={t.tileCooling} value={told(holdings?.cooling)} note={t.noteCooling} />
      <Tile
        name={t.pro}
        value={staked === undefined ? undefined : staked >= PRO_STAKE ? t.proYes : t.proNo}
        note={
          staked === undefined || staked >= PRO_STAKE
            ? t.noteProYes(tokens(PRO_STAKE))
            : t.noteProNo(tokens(PRO_STAKE - staked))
        }
      />
    </div>
  );
}
