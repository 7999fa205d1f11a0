"use strict";
// Sorts, filters and lays maps over images; all that it shows stands in the page already.
const figures = JSON.parse(document.getElementById("figures").textContent);
const main = document.getElementById("figures").dataset.main;
const list = document.getElementById("tiles");
const tiles = [...list.children];
const control = (name) => document.getElementById(name);

const isHit = (image, run) => image.label !== "" && image.called[run] === image.label;
const words = (name) => name.replaceAll("_", " ");

function describe(tile, image, map) {
  const run = figures.maps[map];
  const jaccard = image.jaccard[map];
  const called = image.called[run] ? `called ${words(image.called[run])}` : "called neither";
  const overlap = jaccard === null ? "" : `, J\u00a0${jaccard.toFixed(2)}`;
  tile.querySelector(".figures-of").textContent = `${called}, ${main} ${image.probabilities[run].toFixed(3)}${overlap}`;
  tile.classList.toggle("miss", image.label !== "" && !isHit(image, run));
}

function showMap() {
  const map = Number(control("map").value);
  const name = control("map").selectedOptions[0].text;
  figures.images.forEach((image, place) => {
    const picture = tiles[place].querySelector(".map");
    picture.src = image.maps[map];
    picture.alt = `Map ${name}`;
    picture.hidden = false;
    describe(tiles[place], image, map);
  });
  arrange();
}

// What an image is ordered by; images without a figure go last.
const ORDERS = {
  id: (image, place) => place,
  low: (image, place, map) => image.probabilities[figures.maps[map]],
  high: (image, place, map) => -image.probabilities[figures.maps[map]],
  worst: (image, place, map) => image.jaccard[map] ?? Infinity,
  best: (image, place, map) => (image.jaccard[map] === null ? Infinity : -image.jaccard[map]),
};

// Whether a figure lies between the two ends that a choice names; without a figure only "every" (0 to 1) fits.
function within(name, figure) {
  const [low, high] = control(name).value.split(" ").map(Number);
  return (low === 0 && high === 1) || (figure !== null && low <= figure && figure <= high);
}

function arrange() {
  const map = Number(control("map").value);
  const label = control("label").value;
  const outcome = control("outcome").value;
  const key = ORDERS[control("order").value];
  const keys = figures.images.map((image, place) => key(image, place, map));
  const order = [...keys.keys()].sort((one, other) => (keys[one] === keys[other] ? one - other : keys[one] - keys[other]));
  let shown = 0;
  for (const place of order) {
    const image = figures.images[place];
    const fits = (label === "" || image.label === label)
      && (outcome === "" || (image.label !== "" && (outcome === "hit") === isHit(image, figures.maps[map])))
      && within("probability", image.probabilities[figures.maps[map]])
      && within("overlap", image.jaccard[map]);
    tiles[place].hidden = !fits;
    shown += fits;
  }
  list.append(...order.map((place) => tiles[place]));
  control("count").textContent = `${shown} of ${tiles.length} shown`;
}

function style() {
  list.style.setProperty("--shown", control("opacity").value / 100);
  list.style.setProperty("--tile", `${control("size").value}rem`);
  list.classList.toggle("without-border", !control("border").checked);
}

control("map").addEventListener("change", showMap);
for (const name of ["label", "outcome", "probability", "overlap", "order"]) control(name).addEventListener("change", arrange);
for (const name of ["opacity", "size", "border"]) control(name).addEventListener("input", style);
control("controls").addEventListener("submit", (event) => event.preventDefault());
control("controls").hidden = false;
style();
showMap();
