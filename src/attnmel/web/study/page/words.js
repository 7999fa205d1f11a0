// Numbers and names as readers see them.

/** A class as a reader writes it. */
export const spaced = (name) => name.replaceAll("_", " ");

/** A probability with two digits; where these are 0 or 1, which is more than a machine says, on which side of them. */
export function percentOf(probability) {
  const rounded = Math.round(100 * probability);
  return rounded < 1 ? "under 1 %" : rounded > 99 ? "over 99 %" : `${rounded} %`;
}
