// The page: images come in, answers go out.

import { info, predict } from "./api.js";
import { takePhotographs } from "./camera.js";
import { download, find, make } from "./dom.js";
import { sheet } from "./sheet.js";
import { csv, drawTable, inOrder } from "./table.js";
import { MAPS, chosenHow, counted, failure, percentOf, pointName, pointsOf, spaced } from "./text.js";
import { FULL, applyLayers, drawCase, flattened } from "./view.js";

const NO_MAP = "none";
const state = { facts: null, cases: [], chosen: null, pictures: null, number: 0, clicks: 0 };

const chosenModels = () => {
  const names = [...document.querySelectorAll("#models input:checked")].map((one) => one.value);
  return state.facts.models.filter((model) => names.includes(model.model));
};

const settings = () => ({
  point: find("point").value,
  target: (model) => {
    const task = find("point").selectedOptions[0]?.dataset.task;
    return model.classes.includes(task) ? task : model.positives[0];
  },
  layer: document.querySelector("#layers input:checked")?.value ?? NO_MAP,
  opacity: Number(find("opacity").value),
  zoom: Number(find("zoom").value),
  mask: find("mask").checked,
  square: find("square").checked,
});

const say = (text) => { find("status").textContent = text; };

function problem(text) {
  find("status").replaceChildren(make("span", { className: "problem" }, text));
}

function drawAll() {
  const [models, now] = [chosenModels(), settings()];
  find("options").hidden = !state.facts || (models.length < 2 && state.facts.models.length < 2 && !find("point").options.length);
  find("cases").hidden = !state.cases.length;
  find("case").hidden = !state.chosen?.rows;
  drawTable(find("table"), state.cases, models, now, state.chosen, clicked, drawAll);
  if (state.chosen?.rows) drawCase(state.chosen, models, state.pictures, now, state.facts.map_colours);
  const model = models.find((one) => one.thresholds?.some((point) => point.name === now.point));
  find("point-meaning").textContent = model ? chosenHow(model.thresholds.find((point) => point.name === now.point), model.chosen_on) : "";
  find("opacity-value").textContent = `${now.opacity} %`;
  find("zoom-value").textContent = `${now.zoom} %`;
}

function clicked(one) {
  state.clicks += 1;
  choose(one, { focus: true });
}

/** Show a case, and load its pictures. */
async function choose(one, { focus = false } = {}) {
  state.chosen = one;
  state.pictures = null;
  drawAll();
  if (!one.rows) return;
  if (focus) find("case-heading").focus();
  try {
    const answer = await predict(one.file, { pictures: true });
    if (state.chosen !== one) return;
    state.pictures = answer.pictures[one.index];
    drawAll();
  } catch (error) {
    if (state.chosen === one) problem(`${one.name}: ${error.message}`);
  }
}

async function ask(one) {
  try {
    const answer = await predict(one.file);
    if (!state.cases.includes(one)) return;
    if (answer.models.map((model) => model.model).join() !== state.facts.models.map((model) => model.model).join()) {
      throw new Error("the server was started again with other models; load this page again");
    }
    const rowsOf = (index) => Object.fromEntries(answer.models.map((model) => [model.model, model.images[index]]));
    const names = answer.models[0].images.map((row) => row.image);
    const found = names.map((name, index) => ({ file: one.file, name, index, rows: rowsOf(index), id: index ? (state.number += 1) : one.id }));
    state.cases.splice(state.cases.indexOf(one), 1, ...found);
  } catch (error) {
    one.error = error.message;
  }
}

/** Predict files as they come, and show the first of them. */
async function add(files) {
  const { limits } = state.facts;
  const fresh = [...files].map((file) => ({ file, name: file.name || "pasted image", index: 0, id: (state.number += 1) }));
  if (!fresh.length) return;
  for (const one of fresh) {
    if (one.file.size > limits.file_bytes) one.error = `the file has more than ${Math.round(limits.file_bytes / 2 ** 20)} MiB, and is not sent`;
  }
  state.cases.push(...fresh);
  drawAll();
  let left = fresh.length;
  say(`Predicting ${left === 1 ? "1 image" : `${left} images`}.`);
  const clicks = state.clicks;
  const now = (one) => state.cases.find((each) => each.id === one.id) ?? { error: "removed" };
  await Promise.all(fresh.filter((one) => !one.error).map(async (one) => {
    await ask(one);
    left -= 1;
    if (left) say(`Predicting, ${left} left.`);
    const here = now(one);
    // The first that could be read is shown, unless a case was chosen meanwhile: then that one, as soon as it is there.
    const first = fresh.map(now).find((each) => !failure(each));
    if (here.rows && one === state.chosen) choose(here);
    else if (first?.rows && first !== state.chosen && clicks === state.clicks) choose(first);
    else drawAll();
  }));
  const first = now(fresh[0]);
  if (first.rows && fresh.map(now).every(failure) && clicks === state.clicks) choose(first);
  finished(fresh);
}

/** Say what became of files; of a DICOM file each frame is an image. */
function finished(fresh) {
  const files = new Set(fresh.map((one) => one.file));
  const done = state.cases.filter((one) => files.has(one.file));
  if (!done.length) return undefined; // removed meanwhile
  const failed = done.filter(failure);
  if (failed.length) {
    const head = done.length > 1 ? `${counted(done.length - failed.length, failed.length)}: ` : "";
    return problem(head + failed.map((one) => (failure(one).startsWith(one.name) ? failure(one) : `${one.name}: ${failure(one)}`)).join("; "));
  }
  const [first] = done;
  if (done.length > 1) return say(`${counted(done.length, 0)}.`);
  const model = chosenModels()[0] ?? state.facts.models[0];
  const row = first.rows[model.model];
  if (row.error) return problem(row.error);
  const target = settings().target(model);
  return say(`${first.name}: ${spaced(target)} ${percentOf((row.probabilities ?? row.uncalibrated)[target], pointsOf(model, target))}.`);
}

function drawOptions(facts) {
  const several = facts.models.length > 1;
  find("models").hidden = !several;
  find("models").append(...facts.models.map((model) => make("label", {}, make("input", { type: "checkbox", value: model.model, checked: true }), model.model)));
  const points = new Map(facts.models.flatMap((model) => (model.thresholds ?? []).map((one) => [one.name, one])));
  find("point").append(...[...points].map(([name, point]) => {
    const option = make("option", { value: name }, pointName(point));
    option.dataset.task = point.task;
    return option;
  }));
  const usual = facts.models.map((model) => model.usual_point).find(Boolean);
  find("point").selectedIndex = points.size ? Math.max([...points.keys()].indexOf(usual), 0) : -1;
  find("point").closest("p").hidden = !points.size;
  const maps = [...new Set(facts.models.flatMap((model) => model.maps))];
  const names = { [NO_MAP]: "none", pool3: "pool3 (finer)", pool4: "pool4 (coarser)" };
  find("layers").append(...[NO_MAP, ...maps].map((name) => make("label", {}, make("input", { type: "radio", name: "layer", value: name, checked: name === (maps.at(-1) ?? NO_MAP) }), names[name] ?? name)));
  find("layers").hidden = !maps.length;
  find("opacity").closest("p").hidden = !maps.length;
  find("opacity").value = FULL;
  find("about").textContent = `attnmel ${facts.version}. ${facts.models.map((model) => `${model.model}: ${model.calibration} Licence of the training data: ${model.licence}.`).join(" ")} ${maps.length ? MAPS : ""}`;
}

function takeFiles() {
  const place = find("add");
  for (const name of ["files", "camera"]) {
    find(name).addEventListener("change", (event) => {
      add(event.target.files);
      event.target.value = "";
    });
  }
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    place.classList.add("over");
  });
  document.addEventListener("dragleave", () => place.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    place.classList.remove("over");
    add(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => add(event.clipboardData.files));
  takePhotographs(add, problem);
}

function takeChoices() {
  for (const name of ["models", "point"]) find(name).addEventListener("change", drawAll);
  for (const name of ["layers", "opacity", "zoom", "mask", "square"]) {
    find(name).addEventListener("input", () => {
      applyLayers(settings());
      find("opacity-value").textContent = `${find("opacity").value} %`;
      find("zoom-value").textContent = `${find("zoom").value} %`;
    });
  }
  find("csv").addEventListener("click", () => download("attnmel.csv", csv(state.cases, chosenModels(), settings()), "text/csv"));
  find("json").addEventListener("click", () => {
    const images = inOrder(state.cases, chosenModels(), settings()).map(({ name, rows, error }) => ({ image: name, ...(error ? { error } : { models: rows }) }));
    download("attnmel.json", JSON.stringify({ notice: state.facts.notice, models: state.facts.models, images }, null, 2), "application/json");
  });
  find("sheet").addEventListener("click", saveSheet);
  find("clear").addEventListener("click", () => {
    Object.assign(state, { cases: [], chosen: null, pictures: null });
    drawAll();
    say("All images are removed.");
    find("files").focus();
  });
}

function saveSheet() {
  const [now, models] = [settings(), chosenModels()];
  let place = 0;
  const images = models.map((model) => (state.pictures && !state.chosen.rows[model.model].error ? flattened(place++, now, state.pictures, model.model) : null));
  download(`${state.chosen.name.replace(/\.\w+$/, "")}.html`, sheet(state.chosen, models, images, now, state.facts, state.pictures), "text/html");
}

if (location.search) history.replaceState(null, "", location.pathname); // the token stays in its cookie
try {
  state.facts = await info();
  drawOptions(state.facts);
  takeFiles();
  takeChoices();
  drawAll();
} catch (error) {
  problem(error.message);
}
