import { useBalance, useConnection, useEstimateFeesPerGas } from "wagmi";
import { Link } from "wouter";
import { useNow, useSystem } from "../../chain/reading";
import { localMoment } from "../../core/epochs";
import { dollars, show, tokens } from "../../core/units";
import { type Facts, type Warning, warningsOf } from "../../core/warnings";
import type { AccountOut, WalletOut } from "../../generated/api";
import { settings } from "../../settings";
import { texts } from "../../texts/en";
import { Notice } from "../../ui/basics";
import { useExpiringKeys } from "./asking";

const words = texts.home.warnings;
/** About twice what the dearest act takes (docs/contracts.md has them all). */
const GAS_OF_AN_ACT = 300_000n;
const LONGEST_NAME = 40;

/** What deserves attention, each with the place where something can be done about it. */
export function Attention(props: { followed: WalletOut | undefined; account: AccountOut | undefined }) {
  const facts = useFacts(props);
  const found = warningsOf(facts);
  if (found.length === 0) return null;
  return (
    <section className="stack" aria-label={texts.home.attention}>
      {found.map((warning) => {
        const { text, link } = told(warning);
        return (
          <Notice
            key={text}
            tone={warning.kind === "ticketsReady" ? "good" : "warn"}
            act={
              link === undefined ? undefined : link.href.startsWith("/public") ? (
                <a href={link.href}>{link.text}</a>
              ) : (
                <Link href={link.href}>{link.text}</Link>
              )
            }
          >
            {text}
          </Notice>
        );
      })}
    </section>
  );
}

function useFacts({
  followed,
  account,
}: {
  followed: WalletOut | undefined;
  account: AccountOut | undefined;
}): Facts {
  const now = useNow();
  const { address } = useConnection();
  const { data: system } = useSystem();
  const { data: keys } = useExpiringKeys();
  const { data: coin } = useBalance({
    address,
    chainId: settings.chain.id,
    query: { refetchInterval: 15_000 },
  });
  const { data: fees } = useEstimateFeesPerGas({
    chainId: settings.chain.id,
    query: { refetchInterval: 30_000 },
  });
  const delegations = (isGiven: boolean, found: WalletOut["delegations_given"] | undefined) =>
    (found ?? []).map((each) => ({
      id: each.id,
      isGiven,
      amount: BigInt(each.amount),
      untilEpoch: each.until_epoch,
    }));
  return {
    now,
    credit:
      account === undefined
        ? null
        : { granted: BigInt(account.balance.granted), left: BigInt(account.balance.diem) },
    tickets: (followed?.tickets ?? []).map((ticket) => ({
      station: ticket.station,
      amount: BigInt(ticket.amount),
      claimableAt: ticket.claimable_at,
    })),
    delegations: [
      ...delegations(true, followed?.delegations_given),
      ...delegations(false, followed?.delegations_received),
    ],
    keys: (keys?.keys ?? []).map((key) => ({
      id: key.id,
      description: key.description,
      expiresAt: key.expires_at,
    })),
    pausedUntil: system?.pause.isPaused ? Number(system.pause.pausedUntil) : null,
    coin:
      coin === undefined || fees?.maxFeePerGas === undefined
        ? null
        : { balance: coin.value, needed: fees.maxFeePerGas * GAS_OF_AN_ACT },
  };
}

type Told = { text: string; link?: { href: string; text: string } };

function told(warning: Warning): Told {
  const when = (at: number) => localMoment(at, texts.language);
  switch (warning.kind) {
    case "paused":
      return {
        text: words.paused(when(warning.until)),
        link: { href: "/public#powers", text: words.pausedLink },
      };
    case "coinLow":
      return { text: words.coinLow(show(warning.balance, 18, 6), show(warning.needed, 18, 6)) };
    case "creditLow":
      return {
        text:
          warning.left === 0n
            ? words.creditGone(dollars(warning.granted))
            : words.creditLow(dollars(warning.left), dollars(warning.granted)),
        link: { href: "/credit", text: words.creditLowLink },
      };
    case "ticketsReady":
      return {
        text: words.ticketsReady(tokens(warning.amount), warning.station.toUpperCase(), warning.count),
        link: { href: warning.station === "vvv" ? "/stake" : "/right", text: words.ticketsReadyLink },
      };
    case "delegationEnds":
      return {
        text: (warning.isGiven ? words.delegationGiven : words.delegationReceived)(
          tokens(warning.amount),
          when(warning.at),
        ),
        link: { href: "/right", text: words.delegationLink },
      };
    case "keyExpires":
      return {
        text: words.keyExpires(warning.description.slice(0, LONGEST_NAME), when(warning.at)),
        link: { href: "/keys", text: words.keyLink },
      };
  }
}
