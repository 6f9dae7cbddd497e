/** Wei of staked VVV, unlocked or locked, that make an account pro once the block is final. */
export const PRO_STAKE = 100n * 10n ** 18n;
