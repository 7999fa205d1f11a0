// The table of all images: sorted by any column, and as CSV.

import { make } from "./dom.js";
import { decision, percentOf, pointsOf, remarks, spaced } from "./text.js";

let sorted = { column: null, down: false };

/** Columns: a heading, what a cell is sorted by, and its content. */
function columns(models, settings) {
  const several = models.length > 1;
  const of = (model) => (several ? `, ${model.model}` : "");
  return [
    { heading: "Image", key: (one) => one.name, text: (one) => one.name },
    ...models.flatMap((model) => {
      const target = settings.target(model);
      const probability = (one) => one.rows?.[model.model]?.probabilities?.[target] ?? one.rows?.[model.model]?.uncalibrated?.[target];
      return [
        { heading: `Probability of ${spaced(target)}${of(model)}`, number: true, key: probability, text: (one) => (probability(one) === undefined ? "" : percentOf(probability(one), pointsOf(model, target))) },
        { heading: `Decision${of(model)}`, key: (one) => one.rows?.[model.model]?.decisions?.[settings.point], text: (one) => decided(model, one, settings) },
      ];
    }),
    { heading: "Warnings and notes", key: (one) => remarks(one, models), text: (one) => remarks(one, models) },
  ];
}

function decided(model, one, settings) {
  const row = one.rows?.[model.model];
  if (!row?.decisions) return "";
  return { above: "above", below: "not above", "": "" }[decision(model, row, settings.point).kind];
}

function compared(first, second) {
  if (first === undefined || second === undefined) return (first === undefined) - (second === undefined);
  const order = typeof first === "number" ? first - second : String(first).localeCompare(String(second), undefined, { numeric: true });
  return sorted.down ? -order : order;
}

export function inOrder(cases, models, settings) {
  const column = columns(models, settings).find((one) => one.heading === sorted.column);
  return column ? cases.toSorted((first, second) => compared(column.key(first), column.key(second))) : cases;
}

/** A cell, with the heading of its column for screens too narrow for columns. */
function cellOf(column, one) {
  const cell = make("td", { role: "cell", className: column.number ? "number" : "" }, column.text(one));
  cell.dataset.heading = column.heading;
  return cell;
}

/** Draw the table; `choose` is called with a case, `again` after the order has changed. */
export function drawTable(place, cases, models, settings, chosen, choose, again) {
  const shown = columns(models, settings);
  const focused = document.activeElement?.dataset?.key;
  const heads = shown.map((column) => {
    const own = sorted.column === column.heading;
    const button = make("button", { type: "button", onclick: () => {
      sorted = { column: column.heading, down: own ? !sorted.down : Boolean(column.number) };
      again();
    } }, column.heading);
    button.dataset.key = column.heading;
    return make("th", { scope: "col", role: "columnheader", className: column.number ? "number" : "", "aria-sort": own ? (sorted.down ? "descending" : "ascending") : "none" }, button);
  });
  const rows = inOrder(cases, models, settings).map((one) => {
    const [image, ...rest] = shown;
    const open = make("button", { type: "button", className: "open", onclick: () => choose(one) }, image.text(one));
    open.dataset.key = `case ${one.id}`;
    if (one === chosen) open.setAttribute("aria-current", "true");
    return make("tr", { role: "row", className: one === chosen ? "chosen" : "" }, make("th", { scope: "row", role: "rowheader" }, open),
      ...rest.map((column) => cellOf(column, one)));
  });
  // Roles by name, since a narrow screen shows rows as blocks, which would end their meaning as a table.
  place.replaceChildren(make("table", { role: "table" }, make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...heads)), make("tbody", { role: "rowgroup" }, ...rows)));
  if (focused) [...place.querySelectorAll("button")].find((one) => one.dataset.key === focused)?.focus();
}

/** A text that starts like a formula, or like one that was guarded, stands after an apostrophe, as in the tables of `attnmel predict`. */
function cell(value) {
  if (value === undefined || value === null) return "";
  const text = typeof value === "string" && /^'*[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The table as CSV, a line for each image and model; with letters that are not ASCII it has a byte order mark, for Excel. */
export function csv(cases, models, settings) {
  const classes = [...new Set(models.flatMap((model) => model.classes))];
  const points = [...new Set(models.flatMap((model) => (model.thresholds ?? []).map((one) => one.name)))];
  const head = ["image", "model", ...classes.map((one) => `probability_${one}`), ...classes.map((one) => `uncalibrated_${one}`),
    ...points.map((one) => `decision_${one}`), "share_of_image", "share_of_lesion", "warnings", "notes", "error"];
  const lines = inOrder(cases, models, settings).flatMap((one) => models.map((model) => {
    const row = one.rows?.[model.model] ?? { error: one.error ?? "not answered" };
    return [one.name, model.model, ...classes.map((name) => row.probabilities?.[name]), ...classes.map((name) => row.uncalibrated?.[name]),
      ...points.map((name) => row.decisions?.[name]), row.share_of_image, row.share_of_lesion, row.warnings?.join("; "), row.notes?.join("; "), row.error];
  }));
  const text = [head, ...lines].map((line) => `${line.map(cell).join(",")}\n`).join("");
  return /[^\0-\x7f]/.test(text) ? `\ufeff${text}` : text;
}
