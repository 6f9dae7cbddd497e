import { Link } from "wouter";
import { useCredit } from "../../api/credit";
import { useSession } from "../../api/session";
import { useNow } from "../../chain/reading";
import { clock, endOfEpoch, epochAt, localMoment, moment } from "../../core/epochs";
import { basisPoints, dailyCredit, dollars } from "../../core/units";
import type { AccountOut, WalletOut } from "../../generated/api";
import { texts } from "../../texts/en";
import { Chip, Panel, Waiting } from "../../ui/basics";
import { SignInButton } from "../../ui/gates";
import { Ring } from "../../ui/ring";
import { BLANK, Line, Lines } from "./lines";
import type { OnChain } from "./overview";

const words = texts.home;
const WHOLE = 10_000n;
type Props = { followed: WalletOut | undefined; account: AccountOut | undefined; onChain: OnChain };

/** Today's credit, when it is new again, and what comes tomorrow. */
export function CreditPanel({ followed, account, onChain }: Props) {
  const { session } = useSession();
  const { credit } = useCredit();
  const granted = account && BigInt(account.balance.granted);
  // Without the service the chain's own slots say what they give; what was granted it does not know.
  const today = nanoOf(followed?.allowance_now) ?? nanoOfWei(onChain?.right.current);
  const tomorrow = nanoOf(followed?.allowance_next) ?? nanoOfWei(onChain?.right.next);
  // Nothing has ever happened with it: there is nothing to see behind a signature, but a first step to take.
  const isNew = today === 0n && followed?.recent.length === 0;
  const base = granted !== undefined && granted > (today ?? 0n) ? granted : today;
  return (
    <Panel title={words.creditTitle} aside={<TierChip account={account} onChain={onChain} />}>
      <div className="credit">
        <CreditRing account={account} today={today} />
        <div className="stack">
          <Countdown />
          <Lines>
            <Line
              name={session === null ? words.todayByChain : words.today}
              value={base === undefined ? undefined : dollars(granted ?? base)}
            />
            {session !== null && (
              <>
                <Line name={words.spent} value={account && dollars(BigInt(account.balance.spent))} />
                <Optional name={words.held} amount={account?.balance.held} />
                <Optional name={words.proRata} amount={account?.balance.pro_rata} />
                <Optional name={words.bundled} amount={credit?.bundled} />
                <Line
                  name={words.prepaid}
                  value={credit && dollars(credit.prepaid)}
                  note={words.prepaidNote}
                />
              </>
            )}
            <Line
              name={words.tomorrow}
              value={tomorrow === undefined ? undefined : dollars(tomorrow)}
              note={difference(base, tomorrow)}
            />
          </Lines>
          {session === null && !isNew ? (
            <div className="offer">
              <p className="small quiet">{words.signInWhy}</p>
              <SignInButton />
            </div>
          ) : null}
          <Next
            today={today}
            tomorrow={tomorrow}
            onChain={onChain}
            isSignedIn={session !== null}
            isMain={session !== null || isNew}
          />
        </div>
      </div>
    </Panel>
  );
}

function CreditRing({ account, today }: { account: AccountOut | undefined; today: bigint | undefined }) {
  const { session } = useSession();
  if (session === null) {
    const isSome = today !== undefined && today > 0n;
    return (
      <Ring
        points={isSome ? WHOLE : 0n}
        value={today === undefined ? undefined : dollars(today)}
        name={words.creditTitle}
        note={words.creditGranted}
      />
    );
  }
  if (account === undefined) {
    return <Ring points={undefined} value={undefined} name={words.creditLeft} note={BLANK} />;
  }
  const granted = BigInt(account.balance.granted);
  const left = BigInt(account.balance.diem);
  const isOnItsWay = granted === 0n && today !== undefined && today > 0n;
  return (
    <Ring
      points={basisPoints(left, granted)}
      value={dollars(left)}
      name={words.creditLeft}
      note={isOnItsWay ? words.creditBeingGranted(dollars(today)) : words.creditOf(dollars(granted))}
    />
  );
}

/** The time until 00:00 UTC. Not announced each second: whoever listens can read it when he wants. */
function Countdown() {
  const now = useNow();
  const end = endOfEpoch(epochAt(now));
  return (
    <div className="countdown">
      <span className="name">{words.renews}</span>
      <time className="value number" dateTime={moment(end)} suppressHydrationWarning>
        {clock(end - now)}
      </time>
      <span className="note">{words.renewsAt(localMoment(end, texts.language))}</span>
    </div>
  );
}

/** The one thing that comes next for this wallet. */
function Next({
  today,
  tomorrow,
  onChain,
  isSignedIn,
  isMain,
}: {
  today: bigint | undefined;
  tomorrow: bigint | undefined;
  onChain: OnChain;
  isSignedIn: boolean;
  /** Whether nothing else here comes first. */
  isMain: boolean;
}) {
  if (today === undefined || tomorrow === undefined || onChain === undefined) return null;
  if (today > 0n || tomorrow > 0n) {
    return isSignedIn ? (
      <div className="row">
        <Link href="/keys" className="button primary">
          {words.useIt}
        </Link>
        <Link href="/credit" className="button">
          {words.buyMore}
        </Link>
      </div>
    ) : null;
  }
  const tone = isMain ? "button primary" : "button";
  if (onChain.right.staked > 0n && onChain.right.delegated === 0n) return <p>{words.smallest}</p>;
  if (onChain.diem.balance > 0n) {
    return (
      <div>
        <p>{words.noneButDiem}</p>
        <Link href="/right" className={tone}>
          {words.startRight}
        </Link>
      </div>
    );
  }
  const hasStake = onChain.stake.unlocked > 0n;
  return (
    <div>
      <p>{words.none}</p>
      <Link href={hasStake ? "/mint" : "/stake"} className={tone}>
        {hasStake ? words.startMint : words.startStake}
      </Link>
    </div>
  );
}

/** What the account is, and what that rests on; before sign-in only what the chain sold. */
function TierChip({ account, onChain }: { account: AccountOut | undefined; onChain: OnChain }) {
  const now = useNow();
  const { session } = useSession();
  if (account === undefined) {
    if (session !== null) return <Waiting width={28} />;
    const until = Math.max(0, ...(onChain?.memberUntil ?? []).map(Number));
    return until > now ? <Chip tone="good">{words.tierOnChain(moment(until))}</Chip> : null;
  }
  const { name, subscribed_until: until } = account.tier;
  const isPaid = until !== null && until > now;
  const why = isPaid ? words.tierUntil(moment(until)) : name === "pro" ? words.tierByStake : words.tierHow;
  return (
    <span className="tier small quiet">
      <span className="hidden-visually">{words.tierTitle}: </span>
      <Chip tone={name === "pro" ? "good" : "plain"}>{words.tiers[name]}</Chip> {why}
    </span>
  );
}

function Optional({ name, amount }: { name: string; amount: number | bigint | undefined }) {
  return amount === undefined || BigInt(amount) === 0n ? null : (
    <Line name={name} value={dollars(BigInt(amount))} />
  );
}

function difference(today: bigint | undefined, tomorrow: bigint | undefined): string {
  if (today === undefined || tomorrow === undefined) return BLANK;
  if (tomorrow === today) return words.tomorrowSame;
  return tomorrow > today
    ? words.tomorrowMore(dollars(tomorrow - today))
    : words.tomorrowLess(dollars(today - tomorrow));
}

function nanoOf(amount: number | undefined): bigint | undefined {
  return amount === undefined ? undefined : BigInt(amount);
}

function nanoOfWei(wei: bigint | undefined): bigint | undefined {
  return wei === undefined ? undefined : dailyCredit(wei);
}
