// One case: for each model the image with its layers, the probability, the decision and the warnings.

import { find, make } from "./dom.js";
import { achieved, decision, mean, meaning, percent, percentOf, pointsOf, spaced, warning } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";
const FULL = 50; // Opacity in percent at which the map looks as `attnmel predict --maps` draws it.

function squareLayer(pictures, model) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", `0 0 ${pictures.width} ${pictures.height}`);
  drawing.setAttribute("aria-hidden", "true");
  drawing.classList.add("square");
  for (const [left, top, side] of pictures.squares[model]) {
    for (const kind of ["dark", "light"]) {
      const one = document.createElementNS(SVG, "rect");
      for (const [name, value] of Object.entries({ x: left, y: top, width: side, height: side })) one.setAttribute(name, value);
      one.classList.add(kind);
      drawing.append(one);
    }
  }
  return drawing;
}

function viewer(one, model, pictures) {
  const maps = Object.entries(pictures.maps[model.model] ?? {});
  const stage = make("div", { className: "stage" }, make("img", { src: pictures.image, alt: `${one.name}, upright` }),
    ...maps.map(([name, map]) => {
      const layer = make("img", { src: map.layer, alt: "", className: "layer map" });
      layer.dataset.map = name;
      return layer;
    }),
    pictures.mask ? make("img", { src: pictures.mask, alt: "", className: "layer mask" }) : null,
    squareLayer(pictures, model.model));
  stage.style.setProperty("--shape", pictures.width / pictures.height);
  return make("div", { className: "viewer", tabIndex: 0, role: "group", "aria-label": `Image with layers, ${model.model}; scroll to move when it is zoomed` }, stage);
}

/** What the colours of a map mean; shown with the map that is chosen. */
export function legends(maps, colours, made = make) {
  return Object.entries(maps).map(([name, map]) => {
    const one = made("p", { className: "scale map" }, `${name}: lowest ${map.low.toFixed(3)} `, made("img", { src: colours, alt: "colours from clear over blue and green to yellow" }), ` highest ${map.high.toFixed(3)}`);
    one.dataset.map = name;
    return one;
  });
}

function texts(model, row, settings) {
  if (row.error) return [make("p", { className: "problem" }, row.error)];
  const target = settings.target(model);
  const probability = (row.probabilities ?? row.uncalibrated)[target];
  const decided = decision(model, row, settings.point);
  const warnings = row.warnings ?? [];
  const seen = `The network saw ${percent(row.share_of_image)} of the image` +
    (row.share_of_lesion === null ? "." : ` and ${percent(row.share_of_lesion)} of the predicted lesion.`);
  return [
    make("p", { className: "probability" }, percentOf(probability, pointsOf(model, target)), " ", make("small", {}, `${spaced(target)}${row.probabilities ? "" : ", not calibrated"}`)),
    make("p", {}, meaning(model, probability, target)),
    make("p", { className: `decision ${decided.kind}` }, decided.text),
    ...achieved(model, settings.point).map((text) => make("p", { className: "quiet" }, text)),
    warnings.length ? make("ul", { className: "warnings", "aria-label": "Warnings" }, ...warnings.map((name) => make("li", {}, warning(name)))) : make("p", {}, "No warning."),
    ...model.transforms.map((text) => make("p", { className: "quiet" }, mean(text))),
    ...(model.warnings_not_checked ?? []).map((text) => make("p", { className: "quiet" }, `Note: ${text}.`)),
    row.notes?.length ? make("p", {}, `Read from the file: ${row.notes.join("; ")}.`) : null,
    make("p", { className: "quiet" }, seen),
  ].filter(Boolean);
}

let drawn = { one: null, pictures: null, names: "" }; // the viewers that are on the page

/** Show a case; `pictures` is null while they are loaded, or where there are none. */
export function drawCase(one, models, pictures, settings, colours) {
  const names = models.map((model) => model.model).join("\n");
  // The same viewers stay, and with them the part that is zoomed in on: a page is drawn anew for every image that comes.
  if (drawn.one !== one || drawn.pictures !== pictures || drawn.names !== names) drawViewers(one, models, pictures, colours);
  drawn = { one, pictures, names };
  document.querySelectorAll("#answers .texts").forEach((place, index) => {
    const model = models[index];
    place.replaceChildren(...texts(model, one.rows[model.model], settings));
  });
  applyLayers(settings);
}

function drawViewers(one, models, pictures, colours) {
  find("case-heading").textContent = one.name;
  find("answers").classList.toggle("one", models.length === 1);
  find("answers").replaceChildren(...models.map((model) => {
    const row = one.rows[model.model];
    const shown = pictures && !row.error ? [viewer(one, model, pictures), ...legends(pictures.maps[model.model] ?? {}, colours)] : [];
    return make("article", { className: "answer" }, make("h3", {}, model.model), make("div", {}, ...shown), make("div", { className: "texts" }));
  }));
  find("mask-field").hidden = !pictures?.mask;
  scrollTogether([...document.querySelectorAll(".viewer")]);
}

/** Set what is seen over the images: map, opacity, border, square and zoom. */
export function applyLayers({ layer, opacity, zoom, mask, square }) {
  for (const one of document.querySelectorAll("#answers .map")) one.hidden = one.dataset.map !== layer;
  for (const one of document.querySelectorAll(".stage .map")) one.style.opacity = opacity / 100;
  for (const one of document.querySelectorAll(".stage .mask")) one.hidden = !mask;
  for (const one of document.querySelectorAll(".stage .square")) one.toggleAttribute("hidden", !square);
  for (const one of document.querySelectorAll(".stage")) zoomed(one, zoom);
}

/** Zoom about the centre of what is seen. */
function zoomed(stage, zoom) {
  const frame = stage.parentElement;
  const [across, down] = [(frame.scrollLeft + frame.clientWidth / 2) / stage.clientWidth, (frame.scrollTop + frame.clientHeight / 2) / stage.clientHeight];
  stage.style.setProperty("--zoom", zoom / 100);
  frame.scrollLeft = across * stage.clientWidth - frame.clientWidth / 2;
  frame.scrollTop = down * stage.clientHeight - frame.clientHeight / 2;
}

function scrollTogether(frames) {
  for (const frame of frames) {
    frame.addEventListener("scroll", () => {
      for (const other of frames) {
        if (other !== frame) [other.scrollLeft, other.scrollTop] = [frame.scrollLeft, frame.scrollTop];
      }
    });
  }
}

/** The image of a model with the layers as they are seen, as a JPEG's data URL. */
export function flattened(index, settings, pictures, model) {
  const stage = document.querySelectorAll(".stage")[index];
  const [image, ...layers] = stage.querySelectorAll("img");
  const canvas = make("canvas", { width: image.naturalWidth, height: image.naturalHeight });
  const drawing = canvas.getContext("2d");
  for (const one of [image, ...layers.filter((each) => !each.hidden)]) {
    drawing.globalAlpha = one.classList.contains("map") ? settings.opacity / 100 : 1;
    drawing.drawImage(one, 0, 0, canvas.width, canvas.height);
  }
  const scale = canvas.width / pictures.width;
  for (const square of settings.square ? pictures.squares[model] : []) {
    const [left, top, side] = square.map((one) => one * scale);
    Object.assign(drawing, { globalAlpha: 1, lineWidth: Math.max(2, canvas.width / 300) });
    for (const [colour, dashes] of [["#000", []], ["#fff", [4 * drawing.lineWidth]]]) {
      drawing.strokeStyle = colour;
      drawing.setLineDash(dashes);
      drawing.strokeRect(left, top, side, side);
    }
  }
  return canvas.toDataURL("image/jpeg", 0.9);
}

export { FULL };
