import { erc20Abi } from "viem";
import * as abis from "../generated/abis";
import { settings } from "../settings";

const at = settings.addresses;

/** Each contract: where it stands and its interface, generated from its source. */
export const contracts = {
  VVV: { address: at.VVV, abi: abis.VVVAbi },
  StakedVVV: { address: at.StakedVVV, abi: abis.StakedVVVAbi },
  DIEM: { address: at.DIEM, abi: abis.DIEMAbi },
  DiemMint: { address: at.DiemMint, abi: abis.DiemMintAbi },
  InferenceStake: { address: at.InferenceStake, abi: abis.InferenceStakeAbi },
  CreditSales: { address: at.CreditSales, abi: abis.CreditSalesAbi },
  EpochRoots: { address: at.EpochRoots, abi: abis.EpochRootsAbi },
  Guardian: { address: at.Guardian, abi: abis.GuardianAbi },
  Lens: { address: at.Lens, abi: abis.LensAbi },
  /** A dollar of six decimals, which is not ours; with ERC-2612, as Circle's has. */
  USDC: { address: at.USDC, abi: erc20Abi },
} as const;

/** All errors that our contracts have, so that one which comes from deeper inside is known too. */
export const everyError = Object.values(abis).flatMap((abi) => abi.filter((entry) => entry.type === "error"));
