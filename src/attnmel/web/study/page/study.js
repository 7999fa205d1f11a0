// The page of a reader: the next case, the questions, and the answer, which is sent until the server has it.

import { find, make } from "./dom.js";
import { Visible } from "./visible.js";
import { welcomeLines } from "./welcome.js";
import { percentOf, spaced } from "./words.js";

const token = location.hash.slice(1);
const RETRY_SECONDS = 3;
const visible = new Visible();
let shown = null; // the state whose case is on the page
let unsent = false; // whether an answer is on its way
let touched = false; // whether the reader has chosen a suspicion
let key = "";
let picture = "";
let attention = "";
let timer = ""; // the name of the case whose time is counted
let onward = null; // what the button of a message does

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

class Refused extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

async function fetched(address, options = {}) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const answer = await fetch(address, { ...options, headers });
  if (answer.ok) return answer;
  const found = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, found.error ?? `the server answered ${answer.status}`);
}

/** Try until the server answers: a lost connection loses nothing. */
async function patiently(work) {
  for (;;) {
    try {
      const found = await work();
      status("");
      return found;
    } catch (error) {
      if (error instanceof Refused && error.status < 500 && error.status !== 429) throw error;
      const kept = unsent ? "; your answer is kept on this page" : "";
      status(`No connection to the study${kept}. Trying again every ${RETRY_SECONDS} seconds.`);
      await pause(RETRY_SECONDS);
    }
  }
}

function status(text) {
  find("status").textContent = text;
  find("status").classList.toggle("problem", text !== "");
}

/** Show a message in place of the case; its button, if it has one, leads on. */
function message(heading, text, { button = "", lines = [], then = load } = {}) {
  visible.stop();
  onward = then;
  find("reading").hidden = true;
  find("message").hidden = false;
  find("message-heading").textContent = heading;
  find("message-text").textContent = text;
  find("message-list").replaceChildren(...lines.map((line) => make("li", {}, line)));
  find("message-list").hidden = lines.length === 0;
  find("again").hidden = button === "";
  find("again").textContent = button;
  find("again").disabled = false;
  find("message-heading").focus();
}

const blobOf = (address) => patiently(async () => URL.createObjectURL(await (await fetched(address)).blob()));

function choices(name, values, chosen, words = () => "") {
  const set = find(name);
  set.replaceChildren(set.firstElementChild);
  for (const value of values) {
    const input = make("input", { type: "radio", name, value: String(value), required: true, checked: value === chosen });
    set.append(make("label", {}, input, `${spaced(String(value))}${words(value)}`));
  }
}

const ends = (last) => (step) => (step === 1 ? ": very unsure" : step === last ? ": very sure" : "");

const valueOf = (name) => find("reading").elements[name].value;

function showSuspicion() {
  const text = touched ? find("suspicion").value : "not set";
  find("suspicion-value").textContent = text;
  find("suspicion").classList.toggle("unset", !touched);
  find("suspicion").setAttribute("aria-valuetext", text);
}

function showPicture() {
  const isMap = attention !== "" && find("map").checked;
  find("image").src = isMap ? attention : picture;
  find("image").alt = `Dermoscopy image of this case${isMap ? ", under the machine\u2019s attention map" : ""}`;
}

function showSupport(state) {
  const support = state.support;
  find("support").hidden = support === null;
  find("map-field").hidden = !support?.has_map;
  if (support === null) return;
  find("probability").textContent =
    support.probability === null ? "attention map" : `${percentOf(support.probability)} ${spaced(state.disease)}`;
  const own = state.before;
  find("before").textContent =
    own === null ? "" : `Your answer before: suspicion ${own.suspicion}, ${spaced(own.diagnosis)}, ${spaced(own.management)}. Keep or change it.`;
}

async function showCase(state) {
  // The pictures first: new questions are never beside the image before.
  const nextPicture = await blobOf(`api/image/${state.position}`);
  const nextAttention = state.support?.has_map ? await blobOf(`api/map/${state.position}`) : "";
  // Only now: an answer is of the case that is on the page, whatever becomes of the next one.
  shown = state;
  key = crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");
  find("reading").hidden = true;
  const support = state.stage === "support";
  find("case-heading").textContent = `${state.practice ? "Practice, image" : "Image"} ${state.position} of ${state.images}${support ? ", with the machine" : ""}`;
  find("suspicion-label").textContent = `Suspicion of ${spaced(state.disease)}`;
  touched = state.before !== null;
  find("suspicion").value = state.before?.suspicion ?? 50;
  showSuspicion();
  choices("diagnosis", state.diagnoses, state.before?.diagnosis);
  choices("confidence", Array.from({ length: state.confidence }, (_, place) => place + 1), state.before?.confidence, ends(state.confidence));
  choices("management", state.management, state.before?.management);
  find("comment").value = "";
  find("send").textContent = support ? "Send final answer" : "Send answer";
  find("zoom").value = 100;
  zoom();
  showSupport(state);
  for (const old of [picture, attention]) if (old) URL.revokeObjectURL(old);
  picture = nextPicture;
  attention = nextAttention;
  showPicture();
  await find("image").decode().catch(() => {});
  find("message").hidden = true;
  find("reading").hidden = false;
  sending(false);
  find("case-heading").focus({ preventScroll: true });
  scrollTo(0, 0);
  // With the study's date: one of the same name may have been read in this browser before.
  timer = `${state.study}|${state.created}|${state.reader}|${state.position}|${state.stage}`;
  visible.start(timer);
}

async function show(state) {
  named(state.study);
  if (state.state === "done") message("Thank you", "You have answered everything, and all answers are saved. You can close this page.");
  else if (state.state === "break") message("Break", `The second part opens on ${new Date(state.opens).toLocaleString()}. Come back then by the same link.`);
  else await showCase(state);
  count(state);
}

function count(state) {
  find("place").hidden = false;
  find("bar").max = state.steps;
  find("bar").value = state.answered;
  const each = state.steps > state.images ? `, to ${state.images} images` : "";
  find("count").textContent = `${state.reader}: ${state.answered} of ${state.steps} answers given${each}`;
}

const stateNow = async () => (await fetched("api/state")).json();

function named(study) {
  find("title").textContent = `Reader study: ${study}`;
  document.title = `Reader study: ${study}`;
}

/** Say what to expect before the first image, which is not asked for until the reader starts. */
function welcome(found) {
  named(found.study);
  const begin = () => patiently(stateNow).then(show).catch(refused);
  message("Welcome", `Thank you for reading, ${found.reader}.`, { button: "Start", lines: welcomeLines(found), then: begin });
  count(found);
}

/** Say why a link opens nothing. */
function refused(error) {
  if (error.status === 410) message("This study has ended", error.message);
  else if (error.status === 404) message("Answered elsewhere", error.message, { button: "Continue" }); // in another tab, while the picture was loaded
  else message("This link does not open a study", error.message);
}

async function load() {
  if (token === "") {
    message("No link", "Open the whole personal address that you were given.");
    return;
  }
  try {
    const found = await patiently(async () => (await fetched("api/welcome")).json());
    if (found.answered === 0) welcome(found);
    else await show(await patiently(stateNow));
  } catch (error) {
    refused(error);
  }
}

/** While an answer is sent nothing else can be done: a pause would end when the next case comes. */
function sending(yes) {
  for (const name of ["send", "pause"]) find(name).disabled = yes;
}

async function send(event) {
  event?.preventDefault();
  if (find("send").disabled || find("reading").hidden || !find("reading").reportValidity()) return;
  if (!touched) {
    status("Set the suspicion first: move the slider, or press its arrow keys.");
    find("suspicion").focus();
    return;
  }
  sending(true);
  const body = JSON.stringify({
    position: shown.position, stage: shown.stage, key, suspicion: Number(find("suspicion").value),
    diagnosis: valueOf("diagnosis"), confidence: Number(valueOf("confidence")), management: valueOf("management"),
    comment: find("comment").value, seconds: visible.seconds(),
  });
  let next;
  unsent = true;
  try {
    next = await patiently(async () => (await fetched("api/answer", { method: "POST", body })).json());
  } catch (error) {
    if (error.status === 409) message("Answered before", error.message, { button: "Continue" });
    else if (error.status === 410) refused(error);
    else {
      sending(false);
      status(error.message);
    }
    return;
  } finally {
    unsent = false;
  }
  visible.forget();
  await show(next).catch(refused);
}

function zoom() {
  find("stage").style.setProperty("--zoom", find("zoom").value / 100);
  find("zoom-value").textContent = `${find("zoom").value} %`;
}

function setSuspicion() {
  touched = true;
  status("");
  showSuspicion();
}

function resume() {
  find("message").hidden = true;
  find("reading").hidden = false;
  find("case-heading").focus();
  visible.start(timer);
}

find("reading").addEventListener("submit", send);
// The second click of a double click may come when the next case is there, whose answer is filled in where it is the
// same image with the machine.
find("send").addEventListener("click", (event) => { if (event.detail > 1) event.preventDefault(); });
for (const name of ["input", "pointerup", "keyup"]) {
  find("suspicion").addEventListener(name, (event) => {
    if (name === "input" || event.type === "pointerup" || /^(Arrow|Home|End|Page)/.test(event.key)) setSuspicion();
  });
}
find("zoom").addEventListener("input", zoom);
find("image").addEventListener("load", ({ target }) => find("stage").style.setProperty("--shape", target.naturalWidth / target.naturalHeight));
find("map").addEventListener("change", showPicture);
find("pause").addEventListener("click", () => {
  message("Pause", "The time of this case is stopped; the image is hidden.", { button: "Continue", then: resume });
});
find("again").addEventListener("click", () => {
  find("again").disabled = true; // a second click would empty the form that the first one brings
  onward();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  if (event.ctrlKey || event.metaKey) {
    if (!event.repeat) send(event); // a key that is held would send the next answer, too
  } else if (event.target.matches("input")) event.preventDefault(); // in a field it would send the form
});
addEventListener("pageshow", (event) => { if (event.persisted && !unsent) load(); });
addEventListener("beforeunload", (event) => { if (unsent) event.preventDefault(); });
addEventListener("hashchange", () => location.reload());
load();
