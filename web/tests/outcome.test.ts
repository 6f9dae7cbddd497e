import { type Address, encodeAbiParameters, encodeEventTopics, type Hex, pad, parseAbi } from "viem";
import { describe, expect, test } from "vitest";
import type { Sent, SentState } from "../src/chain/ledger";
import { failedInside, isFollowed, stepOf, toldByReceipt, toldByStatus } from "../src/chain/outcome";

const HASH: Hex = `0x${"ab".repeat(32)}`;
const entry = (state: SentState, blockNumber: number | null = null): Sent => ({
  id: "1",
  chainId: 1,
  account: "0x0000000000000000000000000000000000000001",
  summary: "Stake",
  to: "0x0000000000000000000000000000000000000002",
  data: "0x",
  nonce: 0,
  sinceBlock: 0,
  hash: HASH,
  state,
  blockNumber,
  note: null,
  begunAt: 0,
});

describe("what was sent", () => {
  test("is followed while it is open, and a refusal until its block is final", () => {
    for (const state of ["asking", "pending", "confirmed"] as const) {
      expect(isFollowed(entry(state), 100, 100)).toBe(true);
    }
    expect(isFollowed(entry("reverted", 90), 100, 89)).toBe(true);
    expect(isFollowed(entry("reverted", 90), 100, 90)).toBe(false);
    expect(isFollowed(entry("reverted", 90), 1_089, null)).toBe(true);
    expect(isFollowed(entry("reverted", 90), 1_090, null)).toBe(false);
    for (const state of ["final", "rejected", "replaced", "dropped"] as const) {
      expect(isFollowed(entry(state, 99), 100, 1)).toBe(false);
    }
  });

  test.each([
    ["waits and is in no block", "pending", null, null, { kind: "missing" }],
    ["was in a block that is gone", "confirmed", 90, null, { kind: "undone" }],
    ["was refused in a block that is gone", "reverted", 90, null, { kind: "undone" }],
    ["is where it was", "confirmed", 90, { blockNumber: 90, isReverted: false }, { kind: "same" }],
    ["is refused where it was", "reverted", 90, { blockNumber: 90, isReverted: true }, { kind: "same" }],
    [
      "was refused, and is carried out in another block",
      "reverted",
      90,
      { blockNumber: 91, isReverted: false },
      { kind: "moved", state: "confirmed", blockNumber: 91 },
    ],
    [
      "was carried out, and is refused in another block",
      "confirmed",
      90,
      { blockNumber: 91, isReverted: true },
      { kind: "moved", state: "reverted", blockNumber: 91 },
    ],
    [
      "is final",
      "confirmed",
      89,
      { blockNumber: 89, isReverted: false },
      { kind: "moved", state: "final", blockNumber: 89 },
    ],
  ] as const)("that %s", (_, state, blockNumber, seen, step) => {
    expect(stepOf(entry(state, blockNumber), seen, 89)).toEqual(step);
  });
});

describe("a wallet with ids of its own", () => {
  const receipt = (status: string) => ({ transactionHash: HASH, status, blockNumber: "0x1" });

  test.each([
    [{ status: 100 }, { kind: "waits" }],
    [{ status: "PENDING" }, { kind: "waits" }],
    [
      { status: 200, receipts: [receipt("0x1")] },
      { kind: "sent", hash: HASH, isReverted: false },
    ],
    [
      { status: "CONFIRMED", receipts: [{ transactionHash: "0x1" }, receipt("0x1")] },
      { kind: "sent", hash: HASH, isReverted: false },
    ],
    [{ status: 400 }, { kind: "dropped" }],
    [
      { status: 500, receipts: [receipt("0x1")] },
      { kind: "sent", hash: HASH, isReverted: true },
    ],
    [
      { status: 600, receipts: [receipt("0x1")] },
      { kind: "sent", hash: HASH, isReverted: true },
    ],
    [
      { status: 200, receipts: [receipt("0x0")] },
      { kind: "sent", hash: HASH, isReverted: true },
    ],
  ])("says by its status %#", (answer, told) => {
    expect(toldByStatus(answer)).toEqual(told);
  });

  test("is not believed where it says nothing that can be looked at", () => {
    const strange: unknown[] = [
      null,
      "0x",
      7,
      {},
      { status: "DONE" },
      { status: 200 },
      { status: 500, receipts: [] },
    ];
    strange.push(
      { status: 200, receipts: [{ transactionHash: "0xabc" }] },
      { status: 0 },
      { status: Number.NaN },
    );
    for (const answer of strange) expect(toldByStatus(answer)).toBeNull();
    for (const answer of [null, {}, { transactionHash: 5 }]) expect(toldByReceipt(answer)).toBeNull();
  });
});

describe("a refusal inside of a transaction that went through", () => {
  const safe: Address = "0x00000000000000000000000000000000000000AA";
  const other: Address = "0x00000000000000000000000000000000000000bb";
  const failure = parseAbi(["event ExecutionFailure(bytes32 txHash, uint256 payment)"]);
  const operation = parseAbi([
    "event UserOperationEvent(bytes32 indexed userOpHash, address indexed sender, address indexed paymaster, uint256 nonce, bool success, uint256 actualGasCost, uint256 actualGasUsed)",
  ]);
  const words = [{ type: "bytes32" }, { type: "uint256" }] as const;
  const older = {
    address: safe,
    topics: encodeEventTopics({ abi: failure }) as [Hex],
    data: encodeAbiParameters(words, [HASH, 0n]),
  };
  const newer = {
    ...older,
    topics: [...older.topics, HASH] as [Hex, Hex],
    data: pad("0x0"),
  };
  const operated = (sender: Address, success: boolean) => ({
    address: other,
    topics: encodeEventTopics({
      abi: operation,
      args: { userOpHash: HASH, sender, paymaster: other },
    }) as [Hex, Hex, Hex, Hex],
    data: encodeAbiParameters(
      [{ type: "uint256" }, { type: "bool" }, { type: "uint256" }, { type: "uint256" }],
      [1n, success, 2n, 3n],
    ),
  });

  test("is seen in the words of a Safe, of either release, and of ERC-4337", () => {
    for (const log of [older, newer, operated(safe, false)]) expect(failedInside([log], safe)).toBe(true);
  });

  test("is none where another account's call failed, or ours did not", () => {
    expect(failedInside([older, newer], other)).toBe(false);
    expect(failedInside([operated(other, false), operated(safe, true)], safe)).toBe(false);
    expect(failedInside([{ ...older, topics: [HASH], data: "0x" }], safe)).toBe(false);
  });
});
