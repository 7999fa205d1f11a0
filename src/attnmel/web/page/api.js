// Requests to the server: a few at a time, sent again where it says that too many images are waiting.

const AT_ONCE = 4;
const TRIES = 30;
let running = 0;
const waiting = [];

async function turn() {
  if (running >= AT_ONCE) await new Promise((resolve) => waiting.push(resolve));
  running += 1;
}

function done() {
  running -= 1;
  waiting.shift()?.();
}

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

async function answered(address, options) {
  for (let left = TRIES; ; left -= 1) {
    let answer;
    try {
      answer = await fetch(address, options);
    } catch {
      throw new Error("the server does not answer; is attnmel serve still running?");
    }
    if (answer.status === 429 && left > 0) {
      await pause(Number(answer.headers.get("retry-after") ?? 2));
      continue;
    }
    // Over its limit of connections the server answers with a bare text.
    const found = await answer.json().catch(() => ({ error: `the server answered ${answer.status}; try again in a moment` }));
    if (!answer.ok) throw new Error(found.error);
    return found;
  }
}

export const info = () => answered("api/info");

/** Refuse what the browser cannot read, which would look like a server that does not answer. */
async function requireReadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new Error("the browser cannot read it: a folder, or a file that was changed or removed since; choose the image files");
  }
}

/** Predict one file by every model; with pictures for the view of a case. */
export async function predict(file, { pictures = false } = {}) {
  await requireReadable(file);
  const form = new FormData();
  form.append("images", file, file.name);
  if (!pictures) await turn();
  try {
    return await answered(`api/predict?pictures=${pictures}`, { method: "POST", body: form });
  } finally {
    if (!pictures) done();
  }
}
