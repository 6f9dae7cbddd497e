import { Link } from "wouter";
import { useNow } from "../../chain/reading";
import { localMoment } from "../../core/epochs";
import { dailyCredit, dollars, show, TOKEN_DECIMALS, tokens } from "../../core/units";
import type { PositionOut, WalletOut } from "../../generated/api";
import { texts } from "../../texts/en";
import { Panel, Waiting } from "../../ui/basics";
import { useAccruing } from "./accruing";
import { BLANK, Line, Lines } from "./lines";
import type { OnChain } from "./overview";

const words = texts.home;
type Props = { followed: WalletOut | undefined; onChain: OnChain };

/** The chain's own word; the service's where no node answers. */
function amountOf(
  onChain: bigint | undefined,
  position: PositionOut | undefined,
  name: keyof PositionOut,
): bigint | undefined {
  return onChain ?? (position === undefined ? undefined : BigInt(position[name]));
}

function shown(wei: bigint | undefined): string | undefined {
  return wei === undefined ? undefined : tokens(wei);
}

/** VVV in the wallet and staked, and what it earns. */
export function VvvPanel({ followed, onChain }: Props) {
  const at = followed?.position;
  const locked = amountOf(onChain?.stake.locked, at, "vvv_locked");
  const minted = amountOf(onChain?.position.minted, at, "diem_minted");
  return (
    <Panel
      title={words.vvvTitle}
      aside={
        <span className="links">
          <Link href="/stake">{words.linkClaim}</Link>
          <Link href="/stake">{words.linkStake}</Link>
        </span>
      }
    >
      <Rewards />
      <Lines>
        <Line name={words.inWallet} value={shown(onChain?.vvv.balance)} />
        <Line
          name={words.stakedFree}
          value={shown(amountOf(onChain?.stake.unlocked, at, "vvv_unlocked"))}
          note={words.stakedFreeNote}
        />
        <Line
          name={words.locked}
          value={shown(locked)}
          note={
            locked !== undefined && locked > 0n && minted !== undefined
              ? words.lockedNote(tokens(minted))
              : words.lockedNoneNote
          }
        />
        <Line
          name={words.leaving}
          value={shown(amountOf(onChain?.stake.cooling, at, "vvv_cooling"))}
          note={<Exits followed={followed} station="vvv" />}
        />
      </Lines>
    </Panel>
  );
}

/** What stands to be claimed, second by second. */
function Rewards() {
  const accruing = useAccruing();
  return (
    <div className="rewards">
      <div className="name">{words.rewards}</div>
      <div className="value number">
        {accruing === undefined ? <Waiting width={10} /> : `${show(accruing.now, TOKEN_DECIMALS, 8, 8)} VVV`}
      </div>
      <div className="note">
        {accruing === undefined
          ? BLANK
          : accruing.aDay === 0n
            ? words.rewardsNone
            : words.rewardsNote(tokens(accruing.aDay))}
      </div>
    </div>
  );
}

/** DIEM in the wallet and staked, and whose right it is. */
export function DiemPanel({ followed, onChain }: Props) {
  const at = followed?.position;
  const held = onChain?.diem.balance;
  const staked = amountOf(onChain?.right.staked, at, "diem_staked");
  const given = amountOf(onChain?.right.delegated, at, "diem_given");
  const received = at === undefined ? undefined : BigInt(at.diem_received);
  const aDay = (wei: bigint) => dollars(dailyCredit(wei));
  return (
    <Panel
      title={words.diemTitle}
      aside={
        <span className="links">
          <Link href="/mint">{words.linkMint}</Link>
          <Link href="/right">{words.linkRight}</Link>
        </span>
      }
    >
      <Lines>
        <Line name={words.inWallet} value={shown(held)} note={words.inWalletDiemNote} />
        <Line
          name={words.diemStaked}
          value={shown(staked)}
          note={staked === undefined ? BLANK : words.diemStakedNote(aDay(staked))}
        />
        <Line
          name={words.given}
          value={shown(given)}
          note={given === 0n ? words.givenNone : words.givenNote}
          isPart
        />
        <Line
          name={words.received}
          value={shown(received)}
          note={
            received === undefined
              ? BLANK
              : received === 0n
                ? words.receivedNone
                : words.receivedNote(aDay(received))
          }
        />
        <Line
          name={words.leaving}
          value={shown(amountOf(onChain?.right.cooling, at, "diem_cooling"))}
          note={<Exits followed={followed} station="diem" />}
        />
      </Lines>
    </Panel>
  );
}

/** When what leaves can be claimed. */
function Exits({ followed, station }: { followed: WalletOut | undefined; station: "vvv" | "diem" }) {
  const now = useNow();
  if (followed === undefined) return BLANK;
  const times = followed.tickets
    .filter((ticket) => ticket.station === station)
    .map((ticket) => ticket.claimable_at)
    .sort((one, other) => one - other);
  const first = times[0];
  if (first === undefined) return words.leavingNone;
  if (first <= now) return words.leavingReady;
  return words.leavingNext(String(times.length), localMoment(first, texts.language));
}
