// One case as an HTML file that prints on a page; every text of it is set as text.

import { make } from "./dom.js";
import { MAPS, achieved, decision, mean, meaning, percent, percentOf, pointName, pointsOf, spaced, warning } from "./text.js";
import { legends } from "./view.js";

const STYLE = `body { margin: 2rem auto; max-width: 48rem; font: 11pt/1.45 system-ui, sans-serif; color: #1d1e20; background: #fff; }
h1 { font-size: 15pt; overflow-wrap: anywhere; } h2 { font-size: 12pt; margin-top: 1.2em; } p { margin: 0.3em 0; }
img { max-width: 100%; max-height: 95mm; } .scale img { width: 8rem; height: 0.8rem; } table { border-collapse: collapse; margin: 0.6em 0; } th, td { padding: 2pt 10pt 2pt 0; text-align: left; border-bottom: 1px solid #c9c9c2; }
.notice { padding: 0.4em 0; border-block: 1px solid #1d1e20; font-weight: 600; } .quiet { color: #55585c; font-size: 9pt; }
@page { margin: 15mm; } @media print { body { margin: 0; max-width: none; } article { break-inside: avoid; } }`;

/** What is laid over the image of a model, in words. */
export function layersShown(model, settings, pictures) {
  const map = pictures?.maps[model.model]?.[settings.layer] ? `the attention map ${settings.layer} at ${settings.opacity} %` : "";
  const border = pictures?.mask && settings.mask ? "the border of the predicted lesion mask" : "";
  const square = settings.square ? "a frame around the part that the network saw" : "";
  return [map || "no map", border, square].filter(Boolean).join(" and ");
}

/** Return the file's text; `images` holds a data URL for each model, or null. */
export function sheet(one, models, images, settings, facts, pictures) {
  const page = document.implementation.createHTMLDocument(`${one.name}, attnmel`);
  const add = (tag, properties = {}, ...children) => make(tag, { document: page, ...properties }, ...children);
  page.documentElement.lang = "en";
  page.head.prepend(add("meta", { charset: "utf-8" }));
  page.body.append(add("h1", {}, one.name), add("p", { className: "notice" }, facts.notice));
  models.forEach((model, place) => {
    const row = one.rows[model.model];
    const section = add("article", {}, add("h2", {}, model.model));
    page.body.append(section);
    if (row.error) {
      section.append(add("p", {}, row.error));
      return;
    }
    const shown = layersShown(model, settings, pictures);
    if (images[place]) section.append(add("img", { src: images[place], alt: `${one.name}, with ${shown}` }), add("p", { className: "quiet" }, `The image, with ${shown}.`));
    const map = pictures?.maps[model.model]?.[settings.layer];
    if (images[place] && map) section.append(...legends({ [settings.layer]: map }, facts.map_colours, add), add("p", { className: "quiet" }, MAPS));
    const target = settings.target(model);
    const probability = (row.probabilities ?? row.uncalibrated)[target];
    section.append(add("p", {}, add("strong", {}, `${spaced(target)}: ${percentOf(probability, pointsOf(model, target))}`)), add("p", {}, meaning(model, probability, target)));
    const points = (model.thresholds ?? []).map((point) => add("tr", {}, add("th", { scope: "row" }, pointName(point)),
      add("td", {}, decision(model, row, point.name).text), add("td", { className: "quiet" }, achieved(model, point.name).at(-1) ?? "")));
    if (points.length) section.append(add("table", {}, add("tbody", {}, ...points)));
    section.append(add("p", {}, "It was not checked whether the image shows a skin lesion: a picture of anything gets a probability."));
    for (const name of row.warnings ?? []) section.append(add("p", {}, `Warning: ${warning(name)}`));
    if (!row.warnings?.length) section.append(add("p", {}, "No warning."));
    for (const text of model.transforms) section.append(add("p", { className: "quiet" }, mean(text)));
    for (const text of model.warnings_not_checked ?? []) section.append(add("p", { className: "quiet" }, `Note: ${text}.`));
    if (row.notes?.length) section.append(add("p", {}, `Read from the file: ${row.notes.join("; ")}.`));
    section.append(add("p", { className: "quiet" }, `${model.calibration} The network saw ${percent(row.share_of_image)} of the image. Recipe ${model.recipe}, epoch ${model.epoch}. Licence of the training data: ${model.licence}.`));
  });
  page.body.append(add("p", { className: "quiet" }, `attnmel ${facts.version}, ${new Date().toISOString().slice(0, 10)}`));
  // The policy of this page keeps a style element out of the document, so it is put into the text.
  return `<!doctype html>\n${page.documentElement.outerHTML.replace("</head>", `<style>${STYLE}</style></head>`)}\n`;
}
