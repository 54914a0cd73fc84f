// Uploads with progress, takes a dropped file, and refuses one over the limit before a byte is sent.
// Without this script the form works as a plain multipart form.
"use strict";

(() => {
  const form = document.getElementById("upload-form");
  if (!form) return;
  const error = document.getElementById("upload-error");
  const progress = document.getElementById("upload-progress");
  const bar = progress.querySelector("progress");
  const stage = document.getElementById("upload-stage");
  const detail = document.getElementById("upload-detail");
  const drop = form.querySelector("[data-drop]");
  const limit = Number(form.dataset.limitBytes);
  const say = (text) => { error.textContent = text; error.hidden = !text; };
  const mib = (bytes) => Math.ceil(bytes / 1048576).toLocaleString("en");

  const send = (name) => {
    const button = form.querySelector("button[type=submit]");
    const request = new XMLHttpRequest();
    button.disabled = true;
    progress.hidden = false;
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) {
        bar.value = event.loaded / event.total;
        detail.textContent = `${mib(event.loaded)} of ${mib(event.total)} MiB`;
      }
      if (event.loaded === event.total) {
        bar.removeAttribute("value");
        stage.textContent = "Looking at the file";
      }
    });
    const done = () => { button.disabled = false; progress.hidden = true; bar.value = 0; stage.textContent = "Uploading"; };
    request.addEventListener("error", () => { done(); say(`${name} could not be sent: the connection broke. Try again.`); });
    request.addEventListener("load", () => {
      if (request.status < 300 && request.responseURL !== new URL(form.action).href) {
        location.assign(request.responseURL);
        return;
      }
      done();
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      const reason = page.querySelector("#upload-form .field-error:not([hidden])") || page.querySelector("main p, body");
      say(reason ? reason.textContent.trim().slice(0, 500) : `The server refused the file (${request.status}).`);
      form.elements.file.focus();
    });
    request.open("POST", form.action);
    request.send(new FormData(form));
  };

  form.addEventListener("submit", (event) => {
    const file = form.elements.file.files[0];
    if (!file) return;
    event.preventDefault();
    if (file.size > limit) {
      say(`${file.name} has ${mib(file.size)} MiB; the limit is ${mib(limit)} MiB. Split or compress it.`);
      return;
    }
    say("");
    send(file.name);
  });

  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("drop-over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("drop-over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("drop-over");
    if (event.dataTransfer.files.length === 1) form.elements.file.files = event.dataTransfer.files;
    else say("Drop one file.");
  });
})();
