// Sentences and numbers of the page, made of the API's answers.

export const percent = (share, digits = share < 0.1 ? 1 : 0) => `${(100 * share).toFixed(digits)} %`;

/** A probability, with a digit more than other shares, so that it differs from a threshold close to it. */
export const percentOf = (probability) => percent(probability, 1);

const images = (count) => (count === 1 ? "1 image" : `${count} images`);

/** How many images were predicted and how many could not be read, in a sentence. */
export const counted = (predicted, failed) =>
  failed ? `${images(predicted)} predicted, ${failed} could not be read` : `${images(predicted)} predicted`;

/** Why an image has no answer of any model; empty where one has answered. */
export function failure(one) {
  const rows = Object.values(one.rows ?? {});
  return one.error ?? (rows.length && rows.every((row) => row.error) ? rows[0].error : "");
}

/** What the table says of an image: why it was not read, its warnings, and how its file was read. */
export function remarks(one, models) {
  if (one.error) return one.error;
  if (!one.rows) return "waiting";
  const rows = models.map((model) => one.rows[model.model]).filter(Boolean);
  return [...new Set(rows.flatMap((row) => (row.error ? [row.error] : [...(row.warnings ?? []), ...(row.notes ?? [])])))].join("; ");
}

const rate = ([value, low, high]) => `${value.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;

const LEVELS = [[0.93, "Very high sensitivity"], [0.85, "High sensitivity"], [0.7, "Medium sensitivity"], [0, "Low sensitivity"]];

/** The level of an operating point's target sensitivity, in words; of a threshold of the user's own, that threshold. */
const level = (point) =>
  point.target === null ? `Threshold ${point.threshold}` : LEVELS.find(([least]) => point.target >= least)[1];

/** The name and meaning of an operating point: "High sensitivity: to find 89 of 100 images of melanoma". */
export const pointName = (point) =>
  point.target === null ? `${level(point)} of ${point.task}` : `${level(point)}: to find ${Math.round(100 * point.target)} of 100 images of ${point.task}`;

/** How an operating point was chosen, in a sentence. */
export const chosenHow = (point, chosenOn) =>
  point.target === null ? "" : `Chosen so that ${Math.round(100 * point.target)} of 100 images of ${point.task} were found among ${chosenOn ?? "the validation images"}. A higher sensitivity finds more of them, with more false alarms.`;

/** What a probability means, in a sentence. */
export function meaning(model, probability, target) {
  if (model.temperature === null) {
    return `Not calibrated: a higher number makes ${target} more likely, but it is no share of images.`;
  }
  const chosen = (model.thresholds ?? []).find((one) => one.task === target);
  const share = chosen?.images ? ` ${percent(chosen.positives / chosen.images)} of all those images are ${target}; where it is rarer, fewer are.` : "";
  const rounded = Math.round(100 * probability);
  const count = rounded < 1 ? "fewer than 1 is" : rounded > 99 ? "more than 99 are" : `about ${rounded} are`;
  return `Calibrated: of 100 images with this probability, ${count} ${target}, among images like those of the calibration.${share}`;
}

/** What an operating point decides, in a sentence; empty for an image without answer. */
export function decision(model, row, pointKey) {
  const point = (model.thresholds ?? []).find((one) => one.name === pointKey);
  if (!point || !row.decisions) return { text: "No decision: the model has no such operating point.", kind: "" };
  return row.decisions[pointKey]
    ? { text: `${level(point)}: the probability of ${point.task} is above the threshold ${point.threshold}.`, kind: "above" }
    : { text: `${level(point)}: the probability of ${point.task} is not above the threshold ${point.threshold}.`, kind: "below" };
}

/** What an operating point achieved, a sentence for each set of images. */
export function achieved(model, pointKey) {
  const point = (model.thresholds ?? []).find((one) => one.name === pointKey);
  return (point?.achieved ?? []).map((one) => {
    const others = one.images - one.positives;
    const images = one.split === "validation" ? "images that it was chosen on" : `${one.split} images`;
    return `Of the ${one.images} ${images} it found ${Math.round(one.sensitivity[0] * one.positives)} of ${one.positives} images of ${point.task}, ` +
      `and took ${Math.round((1 - one.specificity[0]) * others)} of ${others} others for ${point.task}: sensitivity ${rate(one.sensitivity)}, ` +
      `specificity ${rate(one.specificity)}, with 95 % intervals.`;
  });
}

/** What a warning means. */
const WARNINGS = {
  "outside the square": "Over a quarter of the lesion lies outside the part of the image that the network saw.",
  "smaller than the input": "The image has fewer pixels than the network takes: details are missing.",
  "strip": "The image is long and narrow: the network saw little of it.",
  "one colour": "The image shows one colour, such as black: nothing can be seen on it, and its probability means nothing.",
  "blurred": "The image is more blurred than 99 % of the training images.",
  "no lesion found": "The segmenter found no lesion in the image.",
  "colours far from training": "The colours are unlike those of the training images.",
};
export const warning = (name) => `${name}: ${WARNINGS[name] ?? "see docs/prediction/predict.md"}`;
