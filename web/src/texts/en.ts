import { moment } from "../core/epochs";
import { tokens, usdc } from "../core/units";

/**
 * Every English text of the page. To translate it, make a file beside this one with the same type (`Texts`).
 *
 * Sections are in the order of the page; what all pages share comes first.
 */
const n = (value: unknown): bigint => BigInt(value as bigint | number | string);
const at = (value: unknown): string => moment(Number(n(value)));

export const texts = {
  brand: "Entitlement",
  tagline: "Stake tokens, own a daily right to AI inference",
  language: "en",
  skip: "Skip to the content",
  menu: "Menu",
  close: "Close",
  copy: "Copy",
  copied: "Copied",
  loading: "Loading",
  unknown: "not known yet",
  more: "More",

  nav: {
    label: "Pages",
    home: "Overview",
    stake: "Stake VVV",
    mint: "Mint DIEM",
    right: "Daily right",
    credit: "Buy credit",
    keys: "API keys",
    usage: "Usage",
    verify: "Verify",
    data: "My data",
    operator: "Operator",
    public: "Public figures",
  },

  wallet: {
    connect: "Connect a wallet",
    choose: "Choose a wallet",
    none: "No wallet was found in this browser. Install one that you trust, then load this page again.",
    nothingSent: "Connecting shows this page your address. It can move nothing without your signature.",
    disconnect: "Disconnect",
    connecting: "The wallet is asking you",
    notConnected: "Connect a wallet first.",
    rejected: "You said no in the wallet. Nothing was sent.",
    noGas: "The wallet has too little of the chain's coin to pay for the transaction.",
    wrongChain: (name: string) => `Your wallet is on another network. This service is on ${name}.`,
    switchTo: (name: string) => `Switch to ${name}`,
    yours: "Your wallet",
  },

  session: {
    statement: "Sign in to Entitlement. This costs nothing and moves nothing.",
    signIn: "Sign in",
    signOut: "Sign out",
    why: "Keys, usage and credit are your own: sign a message to see them. It costs nothing and moves nothing.",
    expired: "Your session has ended. Sign in again; nothing of yours is lost.",
    asking: "The wallet is asking you to sign",
  },

  service: {
    unreachable: "The service does not answer. The chain does: staking and exits work without it.",
    behind: "The service is behind the chain. Credit that was just earned shows up once it has caught up.",
    stale: (time: string) => `These figures are from ${time}: newer ones could not be read.`,
    nodeUnreachable: "The chain's node does not answer. Nothing can be sent until it does; nothing is lost.",
  },

  act: {
    preview: "What changes",
    now: "now",
    after: "after",
    cost: "Network fee, at the most",
    costLater: "told by the wallet after you sign the permit",
    waits: "When",
    risks: "What to know",
    permit: "You sign twice: a permit for exactly this amount, then the transaction.",
    approve: "Your wallet is a contract: it approves exactly this amount first, then acts. Two transactions.",
    checking: "Trying it on the chain",
    signPermit: "Sign the permit in your wallet",
    signApproval: "Confirm the approval in your wallet",
    waitApproval: "Waiting for the approval",
    confirm: "Confirm in your wallet",
    failed: "This would be refused",
    amount: "Amount",
    all: "All",
    available: (text: string) => `${text} available`,
  },

  amounts: {
    empty: "Type an amount.",
    notANumber: "That is not an amount: digits and one point, such as 12.5.",
    tooManyDecimals: (decimals: string) => `There are no more than ${decimals} decimals.`,
    tooLarge: "That is more than there can be.",
    zero: "The amount is zero.",
    moreThan: (available: string) => `You have ${available}.`,
  },

  sent: {
    title: "Transactions",
    none: "Nothing was sent from this browser.",
    asking: "The wallet is asking",
    pending: "Waiting for a block",
    confirmed: "In a block, not final yet",
    final: "Final",
    reverted: "Refused by the contract",
    rejected: "Not sent: you said no",
    replaced: "Replaced by another transaction of yours",
    reorganised: "The chain was reorganised: waiting for it to be included again.",
    revertedInPlace: "Others came first: what it needed had changed.",
    outOfGas: "It ran out of gas.",
    approval: (token: string) => `Approve ${token}`,
    clear: "Forget what is done",
    see: "See it at the explorer",
    block: (number: string) => `block ${number}`,
  },

  /** What the contracts refuse with, by the error's name. */
  refusals: {
    EntriesArePaused: ([until]: readonly unknown[]) =>
      `New stakes, mints and purchases are paused until ${at(until)}. Exits are not.`,
    ZeroAmount: "The amount is zero.",
    ZeroAddress: "An address is missing.",
    RecipientRefused: "This address cannot receive it: the contracts refuse themselves and the zero address.",
    ReceiverRefused: "This address cannot receive it: the contracts refuse themselves and the zero address.",
    AccountRefused: "This address cannot be credited.",
    TicketNotOpen: ([ticket]: readonly unknown[]) =>
      `Ticket ${n(ticket)} is not open: it was claimed or cancelled.`,
    TicketNotDue: ([ticket, due]: readonly unknown[]) =>
      `Ticket ${n(ticket)} can be claimed from ${at(due)} on.`,
    InsufficientUnlocked: ([, available, needed]: readonly unknown[]) =>
      `You have ${tokens(n(available))} VVV staked and unlocked; this takes ${tokens(n(needed))}.`,
    InsufficientUndelegated: ([, available, needed]: readonly unknown[]) =>
      `You have ${tokens(n(available))} DIEM staked that is not given away; this takes ${tokens(n(needed))}.`,
    BurnExceedsMinted: ([, minted, requested]: readonly unknown[]) =>
      `You minted ${tokens(n(minted))} DIEM; you cannot burn ${tokens(n(requested))} against your locked VVV.`,
    LockExceedsMaximum: ([lock, maximum]: readonly unknown[]) =>
      `The price moved: it would lock ${tokens(n(lock))} VVV, more than the ${tokens(n(maximum))} you allowed.`,
    OutputBelowMinimum: ([output, minimum]: readonly unknown[]) =>
      `The price moved: it would give ${tokens(n(output))}, less than the ${tokens(n(minimum))} you asked for.`,
    MintingNotOpen: ([opensAt]: readonly unknown[]) => `Minting opens on ${at(opensAt)}.`,
    SupplyAboveCap: ([, cap]: readonly unknown[]) =>
      `No more than ${tokens(n(cap))} DIEM can exist at present.`,
    DelegationLocked: ([id, until]: readonly unknown[]) =>
      `Delegation ${n(id)} runs until day ${n(until)}: the giver cannot end it before.`,
    DelegationNotOpen: ([id]: readonly unknown[]) => `Delegation ${n(id)} has ended already.`,
    NotDelegationParty: ([id]: readonly unknown[]) => `Delegation ${n(id)} is not yours.`,
    TermOutOfBounds: ([, minimum, maximum]: readonly unknown[]) =>
      `The term must end between day ${n(minimum)} and day ${n(maximum)}.`,
    TopUpBelowMinimum: ([, minimum]: readonly unknown[]) =>
      `The smallest top-up is ${usdc(n(minimum))} USDC.`,
    CostAboveMaximum: ([cost, maximum]: readonly unknown[]) =>
      `It costs ${usdc(n(cost))} USDC now, more than the ${usdc(n(maximum))} you allowed.`,
    MonthsOutOfBounds: ([, maximum]: readonly unknown[]) => `At most ${n(maximum)} months at once.`,
    NoSuchTier: ([tier]: readonly unknown[]) => `There is no tier ${n(tier)}.`,
    PaymentNotReceived: "The payment did not arrive in full: the token took a fee or refused.",
    ERC20InsufficientBalance: ([, balance, needed]: readonly unknown[]) =>
      `The balance is too small: ${n(balance)} of ${n(needed)} units.`,
    ERC20InsufficientAllowance: "The approval is too small or was used: try again.",
    ERC2612ExpiredSignature: "The permit has expired: sign a new one.",
    ERC2612InvalidSigner: "The permit was signed by another account than the one that is connected.",
    SafeERC20FailedOperation: "The token refused the transfer.",
    EpochNotPublished: ([epoch]: readonly unknown[]) => `Nothing was published for day ${n(epoch)}.`,
  },
  refusalUnknown: (name: string, args: string) => `The contract refused: ${name}(${args}).`,

  home: {},

  stake: {},

  mint: {},

  right: {},

  credit: {},

  keys: {},

  usage: {},

  data: {},

  verify: {},

  operator: {},
};

export type Texts = typeof texts;
