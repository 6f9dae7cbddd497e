import { moment } from "../core/epochs";
import { dollars, exactTokens, tokens, usdc } from "../core/units";

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

  /** The exits of a station, VVV's or DIEM's. */
  tickets: {
    title: "Open exits",
    none: "No exit is open.",
    missing: (amount: string) =>
      `${amount} more are on their way out: the service, which lists the tickets, has not told them yet.`,
    number: "Ticket",
    due: "Can be claimed",
    ready: "Ready now",
    dueIn: (left: string, utc: string) => `in ${left} (${utc})`,
    nextBlock: "with the next block",
    claim: (amount: string) => `Claim ${amount}`,
    cancel: "Take back",
    cancelTitle: (ticket: string) => `Take back exit ${ticket}`,
    cancelAct: (amount: string) => `Stake ${amount} again`,
    inWallet: (token: string) => `${token} in your wallet`,
    cooling: (token: string) => `${token} on the way out`,
    staked: (token: string) => `${token} staked${token === "VVV" ? ", unlocked" : ""}`,
    today: "Credit today",
    tomorrow: "Credit from tomorrow",
    cancelVvv: "It earns rewards again from now on; nothing is paid for the time in between.",
    cancelDiem: "It gives credit again: tomorrow in any case, today as the table above says.",
    cancelAgain: "To leave after all, a new exit is asked for, which takes its full time again.",
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

  home: {
    lead: "Stake once. Each staked DIEM gives you one dollar of AI credit, every day, for as long as you keep it.",
    stepsTitle: "How it works",
    steps: [
      {
        title: "Stake VVV",
        text: "VVV that you stake earns more VVV every second. You can always leave; leaving takes 7 days.",
      },
      {
        title: "Mint DIEM",
        text: "Lock part of your staked VVV and get DIEM for it. Burn the DIEM, and the lock opens again.",
      },
      {
        title: "Stake DIEM, get credit",
        text: "Each staked DIEM is one dollar of AI credit a day, new at 00:00 UTC. Use it with any OpenAI client.",
      },
    ],
    connectTitle: "See what is yours",
    allFigures: "All public figures",
    figuresTitle: "The system now",
    figuresAt: (block: string, time: string) => `Read from the chain at block ${block}, ${time}.`,
    figuresAway: "The public figures cannot be read at this moment.",
    creditADay: "Credit a day, for ever",
    creditADayNote: (share: string) => `${share} of all DIEM is staked`,
    diemLocks: "Minting one DIEM locks",
    diemLocksNote: "it is yours again when you burn the DIEM",
    earns: "Staked VVV earns a year",
    earnsNote: "in VVV at today's rate; 80 % of it while locked",
    staked: "VVV staked",
    stakedNote: (share: string) => `${share} of all VVV there is`,
    burned: "VVV burned",
    burnedNote: (share: string) => `${share} of all that was ever minted`,
    honoured: (day: string) => `Credit spent on ${day}`,
    honouredNote: (granted: string) => `of ${granted} granted that day`,
    honouredNone: "Credit spent, by day",
    honouredNoneValue: "none yet",
    honouredNoneNote: "told when the first day is over",
    relyTitle: "What you can rely on",
    rely: [
      "Exits can never be paused, and nobody can touch what you staked.",
      "No contract can be replaced. What may change waits nine days where everybody sees it.",
      "What was granted and spent each day is committed to on the chain. You can check yours.",
    ],
    relyVerify: "How to check it",

    lede: (address: string) => `What ${address} holds, earns and may spend today.`,
    attention: "Needs attention",
    creditTitle: "Today's credit",
    creditLeft: "Credit left today",
    creditOf: (granted: string) => `left of ${granted}`,
    creditGranted: "for today",
    creditBeingGranted: (amount: string) => `${amount} on its way`,
    signInWhy: "Sign a message to see what you have spent. It costs nothing and moves nothing.",
    renews: "New credit in",
    renewsAt: (local: string) => `at 00:00 UTC, ${local} here`,
    today: "Granted today",
    spent: "Spent today",
    held: "Set aside for running requests",
    tomorrow: "Tomorrow",
    tomorrowSame: "if nothing changes",
    tomorrowMore: (amount: string) => `${amount} more than today`,
    tomorrowLess: (amount: string) => `${amount} less than today`,
    proRata: "Your share of today's pool",
    prepaid: "Paid for in advance",
    prepaidNote: "used once the day's credit is spent",
    smallest: "Less than 0.1 staked DIEM gives no credit.",
    none: "No DIEM gives you credit yet. Stake VVV, mint DIEM with it, then stake the DIEM.",
    noneButDiem: "You hold DIEM that is not staked. Stake it, and it gives credit at once, today too.",
    startStake: "Stake VVV",
    startMint: "Mint DIEM",
    startRight: "Stake DIEM",
    useIt: "Use your credit",
    buyMore: "Buy credit",

    pendingTitle: "Not final yet",
    pending: (final: string, latest: string) =>
      `Block ${final} is final, block ${latest} is the newest. Credit is granted once a change is final.`,
    pendingMore: (amount: string, what: string) => `${amount} more ${what}`,
    pendingLess: (amount: string, what: string) => `${amount} less ${what}`,
    pendingWhat: {
      vvv_unlocked: "VVV staked and free",
      vvv_locked: "VVV locked",
      vvv_cooling: "VVV leaving",
      diem_minted: "DIEM minted",
      diem_staked: "DIEM staked",
      diem_cooling: "DIEM leaving",
      diem_given: "DIEM given to others",
      diem_received: "DIEM received from others",
    },

    vvvTitle: "VVV",
    diemTitle: "DIEM",
    inWallet: "In your wallet",
    inWalletDiemNote: "gives no credit until it is staked",
    stakedFree: "Staked, free",
    stakedFreeNote: "earns the full rate",
    locked: "Staked, locked behind DIEM",
    lockedNote: (minted: string) => `earns 80 %; burning ${minted} DIEM frees it`,
    lockedNoneNote: "earns 80 % while locked",
    leaving: "Leaving",
    leavingNext: (count: string, date: string) =>
      count === "1" ? `can be claimed from ${date} on` : `${count} exits, the first from ${date} on`,
    leavingReady: "can be claimed now",
    leavingNone: "no exit in progress",
    rewards: "Rewards, growing",
    rewardsNote: (day: string) => `about ${day} VVV a day at today's rate`,
    rewardsNone: "stake VVV to earn more of it",
    diemStaked: "Staked",
    diemStakedNote: (day: string) => `worth ${day} a day`,
    given: "of it given to others",
    givenNote: "they spend its credit until the term ends",
    givenNone: "you spend its credit yourself",
    received: "Received from others",
    receivedNone: "nobody gives you theirs",
    receivedNote: (day: string) => `its ${day} a day is yours to spend`,
    linkStake: "Stake or exit",
    linkClaim: "Claim or compound",
    linkMint: "Mint or burn",
    linkRight: "Stake, exit or give",

    tierTitle: "Your tier",
    tiers: { free: "Free", pro: "Pro" },
    tierByStake: "because 100 VVV or more are staked",
    tierUntil: (date: string) => `paid for until ${date}`,
    tierEnded: (date: string) => `the membership ended on ${date}`,
    tierHow: "100 staked VVV or a membership make you Pro",
    tierOnChain: (date: string) => `membership until ${date}`,

    warnings: {
      paused: (until: string) =>
        `New stakes, mints and purchases are paused until ${until}. Exits and claims are not.`,
      pausedLink: "Who may pause",
      coinLow: (has: string, needs: string) =>
        `This wallet has ${has} ETH. A transaction can cost up to ${needs} ETH: send it some more first.`,
      creditLow: (left: string, granted: string) => `${left} is left of today's ${granted}.`,
      creditGone: (granted: string) => `Today's ${granted} is spent.`,
      creditLowLink: "Buy credit",
      ticketsReady: (amount: string, token: string, count: number) =>
        count === 1
          ? `An exit is ready: ${amount} ${token} can be claimed.`
          : `${count} exits are ready: ${amount} ${token} can be claimed.`,
      ticketsReadyLink: "Claim it",
      delegationGiven: (amount: string, date: string) =>
        `The term of ${amount} DIEM that you gave ends ${date}. It goes on after that until you end it.`,
      delegationReceived: (amount: string, date: string) =>
        `The term of ${amount} DIEM that you receive ends ${date}. The giver may take it back after that.`,
      delegationLink: "See delegations",
      keyExpires: (name: string, date: string) => `The key “${name}” expires ${date}.`,
      keyLink: "See keys",
    },

    historyTitle: "History",
    historyNone: "Nothing has happened on the chain with this wallet yet.",
    historyCaption: "The newest events of this wallet, newest first",
    historyFinal: "final",
    historyNotFinal: "not final yet",
    historyOlder: (block: string) => `block ${block}`,
    historyAll: (count: number) => `Show all ${count}`,
    historyFewer: "Show fewer",
    events: {
      VvvStaked: (amount: string) => `Staked ${amount} VVV`,
      VvvExitRequested: (amount: string) => `Asked ${amount} VVV to leave`,
      VvvExitCancelled: (amount: string) => `Cancelled the exit of ${amount} VVV`,
      VvvExitClaimed: (amount: string) => `Took out ${amount} VVV`,
      RewardsClaimed: (amount: string) => `Took rewards of ${amount} VVV`,
      VvvLocked: (amount: string) => `Locked ${amount} VVV for DIEM`,
      VvvUnlocked: (amount: string) => `${amount} VVV unlocked`,
      DiemMinted: (amount: string) => `Minted ${amount} DIEM`,
      DiemBurned: (amount: string) => `Burned ${amount} DIEM`,
      DiemStaked: (amount: string) => `Staked ${amount} DIEM`,
      DiemExitRequested: (amount: string) => `Asked ${amount} DIEM to leave`,
      DiemExitCancelled: (amount: string) => `Cancelled the exit of ${amount} DIEM`,
      DiemExitClaimed: (amount: string) => `Took out ${amount} DIEM`,
      AllowanceChanged: () => "The daily right changed",
      DelegatedGiven: (amount: string, other: string) => `Gave the right of ${amount} DIEM to ${other}`,
      DelegatedReceived: (amount: string, other: string) =>
        `Received the right of ${amount} DIEM from ${other}`,
      DelegationEndedGiven: (amount: string, other: string) =>
        `The right of ${amount} DIEM came back from ${other}`,
      DelegationEndedReceived: (amount: string, other: string) =>
        `The right of ${amount} DIEM went back to ${other}`,
      CreditBought: (amount: string) => `Bought credit for ${amount} USDC`,
      MembershipBought: () => "Bought a membership",
    },
    eventUnknown: (kind: string) => kind,
  },

  stake: {},

  mint: {},

  right: {},

  credit: {},

  keys: {},

  usage: {},

  data: {},

  verify: {
    lead: "Do not take our word for it. This page computes it again, here in your browser, and holds the result against the chain.",
    holds: "holds",
    fails: "does not hold",
    open: "not known yet",
    how: "How it was computed",
    computing: "Computing",
    stop: "Stop",
    stopped: "Stopped. Nothing was concluded.",
    orFile: "or choose a file",
    dropFile: "Drop a file here, or choose one.",
    fileTooLarge: (megabytes: string) => `This file is larger than ${megabytes} MB: it is none of these.`,
    notRead: (why: string) => `This cannot be read: ${why}. Nothing was concluded.`,
    download: "Download",

    allowance: {
      title: "Today's allowance",
      lead: "What your staked DIEM gives you, found again from the contract's own log since its first block.",
      address: "Wallet",
      hint: "Any wallet: this is public.",
      notAnAddress: "That is not an address: 0x and 40 digits.",
      compute: "Compute it",
      needsNode: "This page asks the chain through your wallet: connect one.",
      throughWallet: "The chain is asked through your wallet's own node, not through ours.",
      throughNode: (url: string) =>
        `The chain is asked at ${url}. Without it, your wallet's own node is asked.`,
      progress: (reached: string, to: string, requests: number) =>
        `Block ${reached} of ${to}, ${requests} ${requests === 1 ? "answer" : "answers"}`,
      result: (block: string) => `At block ${block}`,
      here: "Computed here",
      contract: "The contract says",
      service: "The service says",
      today: "Today",
      tomorrow: "Tomorrow",
      noAnswer: "no answer",
      diem: (wei: bigint) => `${exactTokens(wei)} DIEM`,
      verdicts: {
        agree: "All three agree. The service counts exactly what the chain gives.",
        waiting:
          "The service is right for what is final. Something newer is not final yet; it is counted once the chain can no longer take it back.",
        day: "A new day has begun and the chain has no block of it yet, or the service is a moment behind. Try again in a minute.",
        ahead: "The service knows blocks that your node does not have yet. Try again in a minute.",
        silent:
          "The chain and the computation agree. The service did not answer, so its figure is not compared.",
        service:
          "The service says something else than the chain gives. Keep this page, and send the operator the block and both figures. What you can stake and withdraw does not depend on it.",
        node: "The log does not give what the contract says. The node that was asked leaves something out or invents it. Try again with another node.",
        broken:
          "The log contradicts itself: something is missing from it. The node that was asked is wrong. Try again with another node.",
      },
      meaning: (finalBlock: string, latestBlock: string) =>
        `The service counts block ${finalBlock}, which is final, and knows block ${latestBlock}.`,
      readBlocks: (from: string, to: string, requests: number, found: number) =>
        `${found} ${found === 1 ? "entry" : "entries"} of AllowanceChanged between block ${from} and ${to}, in ${requests} ${requests === 1 ? "answer" : "answers"}. The last one holds: today its "today", from tomorrow on its "tomorrow". 1 DIEM gives $1 a day.`,
      caption: "What the contract stated, newest first",
      block: "Block",
      day: "Day",
      contradicts: "contradicts the one before",
      none: "The contract has never said anything of this wallet: it has no daily right.",
      more: (count: number) => `and ${count} older ones`,
      command: "The same for a whole day and every wallet, with your own node:",
    },

    day: {
      title: "A day that is over",
      lead: "Each day gets one root on the chain, which nobody can change. It binds what everybody was granted and what everybody spent.",
      pick: "Day",
      none: "No day is over yet for which the service has published anything.",
      notOnChain: (day: string) => `${day} · not on the chain yet`,
      proofTitle: "What you spent",
      proofLead:
        "Your proof opens your own entry. What you spent stays in this browser: the chain is asked for the root alone.",
      check: "Check my proof",
      file: "A proof file",
      downloadProof: "Download the proof",
      keep: "Keep it: it proves for ever what was said that you spent. Whoever has it sees that figure.",
      proven: (day: string, granted: bigint, spent: bigint) =>
        `On ${day} you were granted ${dollars(granted)} and spent ${dollars(spent)}. The chain holds it, and nobody can say otherwise any more.`,
      provenOther: (day: string, account: string, granted: bigint, spent: bigint) =>
        `On ${day} the wallet ${account} was granted ${dollars(granted)} and spent ${dollars(spent)}. The chain holds it.`,
      unpublished: (day: string) =>
        `The root of ${day} is not on the chain yet. It comes about an hour after the day's end. Until then this proof shows nothing.`,
      refused: "This proof does not hold. Keep the file: it shows what you were told.",
      checks: {
        together: "Its figures make its leaf",
        path: "Its way up leads to the root that it names",
        place: "It is of this chain and this contract",
        chain: "The chain has this root for this day",
        file: "It names the public file that the chain names",
        mine: "It is of your wallet",
      },
      spendingStep: "Commitment: what you spent, and the salt",
      leafStep: "Leaf: wallet, day, granted, commitment",
      stepTitle: (number: number) => `Step ${number}: with its neighbour`,
      neighbour: "neighbour",
      rootStep: "The root on the chain",
      noRoot: "none",
      granted: "Granted",
      ofDiem: "by your DIEM",
      ofShare: "as your share",
      spent: "Spent",

      fileTitle: "What everybody was granted",
      fileLead:
        "The day's public file has a line for every wallet. Its digest and its root are on the chain.",
      checkFile: "Check the public file",
      downloadFile: "Download the public file",
      reading: "Reading the file",
      adding: (done: string, all: string) => `Line ${done} of ${all}`,
      fileHolds: (accounts: string, granted: bigint, spent: bigint) =>
        `The file is the one that the chain names: ${accounts} ${accounts === "1" ? "wallet" : "wallets"}, ${dollars(granted)} granted, ${dollars(spent)} spent together.`,
      fileRefused: "This file is not what the chain says. Keep it, and ask the operator for the true one.",
      fileChecks: {
        digest: "Its SHA-256 is the one on the chain",
        root: "Its lines make the root on the chain",
        sums: "Its lines add up to its totals",
        totals: "Its totals are those on the chain",
        order: "No wallet is in it twice",
        mine: "Your line is in it",
        same: "Your line has the commitment of your proof",
      },
      notInIt: "You were granted nothing on this day: you have no line.",
      digest: "SHA-256 of the file",
      chainDigest: "On the chain",
      spentIsWord:
        "What all spent together is the operator's word, at most what was granted. Each owner can check one part of it.",
    },

    receipt: {
      title: "One request",
      lead: "Every request that was charged has a receipt, signed by the operator. With it you can prove an overcharge.",
      hold: "The request's hold",
      holdHint: "The number in your usage, at the request.",
      notAHold: "Up to 64 letters and digits, without spaces.",
      check: "Check the receipt",
      file: "A receipt file",
      holds: (charged: bigint) => `The operator signed that this request cost ${dollars(charged, 9)}.`,
      refused: "This receipt does not hold: the operator's signature is not under it.",
      checks: {
        form: "Its form is that of a receipt, all of it under the signature",
        named: "It was signed by whom it names",
        operator: "That is the operator of this service",
        known: "The operator is whom this browser has known",
        place: "It is of this chain and this deployment",
        mine: "It is of your wallet",
      },
      knownSince: (time: string) => `since ${time}`,
      signer: "Signed by",
      caption: "What it says",
      names: {
        account: "Wallet",
        key_id: "Key",
        gateway: "Gateway",
        request_id: "Request",
        hold_id: "Hold",
        diem: "From DIEM",
        pro_rata: "From your share",
        membership: "From your membership",
        prepaid: "From what you paid",
        shortfall: "Paid by nobody",
        model: "Model",
        price_version: "Price list",
        input_tokens: "Tokens in",
        output_tokens: "Tokens out",
        epoch: "Day",
        booked_at: "Booked",
        entry_id: "Journal entry",
        lane: "Journal lane",
        batch: "Journal batch",
        batch_hash: "Batch digest",
      },
      notTold: "not told",
      compare:
        "Multiply the tokens by the gateway's prices of that list. If it gives less, this receipt proves it.",
      downloadReceipt: "Download the receipt",
    },
  },

  operator: {},
};

export type Texts = typeof texts;
