import { type Address, concat, encodeAbiParameters, type Hex, keccak256, parseAbiParameters } from "viem";

/**
 * The Merkle root of a day over what each account was granted and spent, as EpochRoots has it: the tree of
 * OpenZeppelin's StandardMerkleTree. What was spent is behind `spending`, so that only its owner can open it.
 *
 *     spending = keccak(abi.encode(spent, salt))
 *     leaf     = keccak(keccak(abi.encode(account, epoch, granted, spending)))
 *     parent   = keccak(smaller child, larger child)
 */

/** The root of a day without accounts. */
export const NO_ROOT: Hex = `0x${"0".repeat(64)}`;

/** A step on the way from a leaf to the root. */
export type Step = { sibling: Hex; parent: Hex };

const SPENDING = parseAbiParameters("uint256 spent, bytes32 salt");
const LEAF = parseAbiParameters("address account, uint256 epoch, uint256 granted, bytes32 spending");

/** What is published in place of `spent`, nano-dollars. */
export function spendingOf(spent: bigint, salt: Hex): Hex {
  return keccak256(encodeAbiParameters(SPENDING, [spent, salt]));
}

/** An account's leaf of a day; `granted` in nano-dollars. As `EpochRoots.leafOf`. */
export function leafOf(epoch: bigint, account: Address, granted: bigint, spending: Hex): Hex {
  return keccak256(keccak256(encodeAbiParameters(LEAF, [account, epoch, granted, spending])));
}

/** Each step from a leaf up; the last one's parent is the root. */
export function stepsFrom(leaf: Hex, proof: readonly Hex[]): Step[] {
  let node = leaf;
  return proof.map((sibling) => {
    node = parentOf(node, sibling);
    return { sibling, parent: node };
  });
}

/** The root that a leaf and its proof lead to: right only if both belong. */
export function rootFrom(leaf: Hex, proof: readonly Hex[]): Hex {
  return stepsFrom(leaf, proof).at(-1)?.parent ?? leaf;
}

/** The root of a whole tree, in whatever order its leaves come; lower-case hashes that differ. */
export function rootOf(leaves: readonly Hex[]): Hex {
  const ordered = [...leaves].sort().reverse();
  const nodes: Hex[] = [...new Array<Hex>(Math.max(0, ordered.length - 1)).fill(NO_ROOT), ...ordered];
  for (let place = ordered.length - 2; place >= 0; place--) {
    nodes[place] = parentOf(nodes[2 * place + 1] ?? NO_ROOT, nodes[2 * place + 2] ?? NO_ROOT);
  }
  return nodes[0] ?? NO_ROOT;
}

function parentOf(one: Hex, other: Hex): Hex {
  return keccak256(concat(one < other ? [one, other] : [other, one]));
}
