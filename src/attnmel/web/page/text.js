// Sentences and numbers of the page, made of the API's answers.

export const percent = (share, digits = share < 0.1 ? 1 : 0) => `${(100 * share).toFixed(digits)} %`;

/** A class name as a reader writes it. */
export const spaced = (name) => name.replaceAll("_", " ");

const inPercent = (threshold) => Number((100 * threshold).toPrecision(6));

/** The operating points of a class. */
export const pointsOf = (model, task) => (model.thresholds ?? []).filter((one) => one.task === task);

/**
 * A probability with a digit, or more where it is so close to a threshold that it would seem to lie on its other side.
 * None is 0 or 100 %.
 */
export function percentOf(probability, points = []) {
  const rounded = (digits) => Number((100 * probability).toFixed(digits));
  const isRight = (digits) => points.every(({ threshold }) => rounded(digits) > inPercent(threshold) === probability > threshold);
  const digits = [1, 2, 3].find(isRight) ?? 4;
  if (digits === 1 && rounded(1) === 0) return "under 0.1 %";
  if (digits === 1 && rounded(1) === 100) return "over 99.9 %";
  return percent(probability, digits);
}

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

/** A rate with its interval; of no images there is none. */
const rate = ([value, low, high]) =>
  value === null ? "not known" : `${value.toFixed(3)}${low === null ? "" : ` (${low.toFixed(3)} to ${high.toFixed(3)})`}`;

const LEVELS = [[0.93, "Very high sensitivity"], [0.85, "High sensitivity"], [0.7, "Medium sensitivity"], [0, "Low sensitivity"]];

/** The level of an operating point's target sensitivity, in words; of a threshold of the user's own, that threshold. */
const level = (point) =>
  point.target === null ? `Threshold ${inPercent(point.threshold)} %` : LEVELS.find(([least]) => point.target >= least)[1];

/** The name and meaning of an operating point: "High sensitivity: to find 89 of 100 images of melanoma". */
export const pointName = (point) =>
  point.target === null ? `${level(point)} of ${spaced(point.task)}` : `${level(point)}: to find ${Math.round(100 * point.target)} of 100 images of ${spaced(point.task)}`;

/** How an operating point was chosen, in a sentence. */
export const chosenHow = (point, chosenOn) =>
  point.target === null ? "" : `Chosen so that ${Math.round(100 * point.target)} of 100 images of ${spaced(point.task)} were found, on ${chosenOn ?? "the validation images"}. A higher sensitivity finds more of them, with more false alarms.`;

/** What a probability means, in a sentence. */
export function meaning(model, probability, target) {
  const name = spaced(target);
  if (model.temperature === null) {
    return `Not calibrated: a higher number makes ${name} more likely, but it is no share of images.`;
  }
  const [chosen] = pointsOf(model, target);
  const share = chosen?.images ? ` ${percent(chosen.positives / chosen.images)} of all those images are ${name}; where it is rarer, fewer are.` : "";
  const tested = model.on_test_images ? ` But ${model.on_test_images}.` : "";
  const rounded = Math.round(100 * probability);
  const count = rounded < 1 ? "fewer than 1 is" : rounded > 99 ? "more than 99 are" : `about ${rounded} are`;
  return `Calibrated: of 100 images with this probability, ${count} ${name}, among images like those of the calibration.${share}${tested}`;
}

/** What a map does not prove, in a sentence. */
export const MAPS = "Maps are drawn from their lowest to their highest value. They show where the network weighs its features; they do not show that a place is malignant, nor all that the network uses.";

/** That probabilities are means over transforms, in a sentence; in plain words where these are turns and flips. */
export const mean = (transforms) =>
  `Note: ${transforms.replace("8 transforms of each image (dihedral)", "the eight turns and flips of each image")}; maps are of the image as it is.`;

/** What an operating point decides, in a sentence; empty for an image without answer. */
export function decision(model, row, pointKey) {
  const point = (model.thresholds ?? []).find((one) => one.name === pointKey);
  if (!point || !row.decisions) return { text: "No decision: the model has no such operating point.", kind: "" };
  const sentence = (side) => `${level(point)}: the probability of ${spaced(point.task)} is ${side} the threshold of ${inPercent(point.threshold)} %.`;
  return row.decisions[pointKey] ? { text: sentence("above"), kind: "above" } : { text: sentence("not above"), kind: "below" };
}

/** What an operating point achieved, a sentence for each set of images. */
export function achieved(model, pointKey) {
  const point = (model.thresholds ?? []).find((one) => one.name === pointKey);
  return (point?.achieved ?? []).map((one) => {
    const others = one.images - one.positives;
    const images = one.split === "validation" ? "images that it was chosen on" : `${one.split} images`;
    return `Of the ${one.images} ${images} it found ${Math.round(one.sensitivity[0] * one.positives)} of ${one.positives} images of ${spaced(point.task)}, ` +
      `and took ${Math.round((1 - one.specificity[0]) * others)} of ${others} others for ${spaced(point.task)}: sensitivity ${rate(one.sensitivity)}, ` +
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
