// The text of the welcome, before the first image.

import { spaced } from "./words.js";

const SUPPORT = {
  probability: "the probability that a machine gives",
  map: "a map of where a machine looked",
  both: "the probability that a machine gives, and a map of where it looked",
};

const many = (count, word) => (count === 1 ? `1 ${word}` : `${count} ${word}s`);

/** The lines of the welcome. */
export function welcomeLines(found) {
  const lines = [`You will see ${many(found.images, "image")}, one after another, and say of each how much you suspect ${spaced(found.disease)}.`];
  if (found.practice) lines.push(`The first ${found.practice === 1 ? "one is" : `${found.practice} are`} for practice and not analysed.`);
  if (found.support !== null) {
    const when = found.after_own_answer ? "After your own answer" : "With some images";
    const then = found.after_own_answer ? "; then you answer again" : "";
    lines.push(`${when} you see ${SUPPORT[found.support]}${then}. A machine can be right or wrong; your own answer counts.`);
  }
  lines.push(`This takes about ${many(found.minutes, "minute")} (${many(found.steps, "answer")}). You can stop at any time, and go on later by the same link.`);
  if (found.sessions > 1) lines.push(`There are two parts: the second opens ${many(found.washout_days, "day")} after the first.`);
  if (found.ends) lines.push(`The last day is ${found.ends}, until midnight UTC.`);
  lines.push("Each answer is saved when you send it, and cannot be changed afterwards. The time that an image is visible is saved, too.");
  lines.push("Your answers are for research only: nothing here is a diagnosis, and no patient is treated by it.");
  return lines;
}
