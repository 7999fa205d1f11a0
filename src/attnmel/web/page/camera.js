// A photograph by a camera of this computer: a dialog with its live picture. Nothing is taken before the button is pressed.

import { find, make } from "./dom.js";

const WISHED = { facingMode: "environment", width: { ideal: 1920 }, height: { ideal: 1440 } };
const QUALITY = 0.95;
let taken = 0;

/** Whether the browser lets this page use a camera: on this computer, or over https. */
export const hasCameras = () => Boolean(navigator.mediaDevices?.getUserMedia);

const stop = (video) => {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
};

const REASONS = {
  NotAllowedError: "The browser was not allowed to use a camera. Allow it in the browser, or choose image files.",
  NotFoundError: "No camera was found. Connect one, or choose image files.",
  NotReadableError: "The camera is in use by another program. Close that program, or choose image files.",
};

/** Show the picture of a camera, by default the one that looks away from the person. */
async function start(deviceId) {
  const video = find("camera-picture");
  stop(video);
  find("take").disabled = true;
  const wished = deviceId ? { ...WISHED, facingMode: undefined, deviceId: { exact: deviceId } } : WISHED;
  const stream = await navigator.mediaDevices.getUserMedia({ video: wished, audio: false });
  if (!find("camera-dialog").open) return stream.getTracks().forEach((track) => track.stop()); // closed while it was asked for
  video.srcObject = stream;
  await video.play();
  find("take").disabled = false;
}

/** Offer the other cameras, whose names are known once one may be used. */
async function listCameras() {
  const cameras = (await navigator.mediaDevices.enumerateDevices()).filter((one) => one.kind === "videoinput");
  const now = find("camera-picture").srcObject?.getVideoTracks()[0]?.getSettings().deviceId;
  find("camera-choice").replaceChildren(...cameras.map((one, place) =>
    make("option", { value: one.deviceId, selected: one.deviceId === now }, one.label || `camera ${place + 1}`)));
  find("camera-choice").closest("p").hidden = cameras.length < 2;
}

/** The picture that is seen, in all the pixels that the camera gives. */
async function photograph() {
  const video = find("camera-picture");
  const canvas = make("canvas", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((give) => { canvas.toBlob(give, "image/jpeg", QUALITY); });
  return new File([blob], `photograph-${taken += 1}.jpg`, { type: "image/jpeg" });
}

/** Open the dialog on the button; `add` is given the file of each photograph, `problem` a sentence where there is none. */
export function takePhotographs(add, problem) {
  const [dialog, button] = [find("camera-dialog"), find("photograph")];
  const failed = (error) => {
    dialog.close();
    problem(REASONS[error.name] ?? `The camera gives no picture (${error.message}). Choose image files.`);
  };
  button.hidden = !hasCameras();
  button.addEventListener("click", async () => {
    dialog.showModal();
    try {
      await start();
      find("take").focus();
      await listCameras();
    } catch (error) {
      failed(error);
    }
  });
  find("camera-choice").addEventListener("change", (event) => start(event.target.value).catch(failed));
  find("take").addEventListener("click", async () => {
    const file = await photograph();
    dialog.close();
    add([file]);
  });
  find("camera-cancel").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => stop(find("camera-picture")));
}
