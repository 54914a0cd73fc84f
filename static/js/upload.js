// Uploads with progress, and refuses a file over the limit before a byte is sent.
// Without this script the form works as a plain multipart form.
(() => {
  const form = document.getElementById("upload-form");
  if (!form) return;
  const error = document.getElementById("upload-error");
  const bar = document.getElementById("upload-progress");
  const limit = Number(form.dataset.limitBytes);
  const say = (text) => { error.textContent = text; error.hidden = !text; };
  const mib = (bytes) => Math.ceil(bytes / 1048576).toLocaleString("en");

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

  function send(name) {
    const button = form.querySelector("button[type=submit]");
    const request = new XMLHttpRequest();
    button.disabled = true;
    bar.hidden = false;
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) bar.value = event.loaded / event.total;
      if (event.loaded === event.total) bar.removeAttribute("value");
    });
    const done = () => { button.disabled = false; bar.hidden = true; bar.value = 0; };
    request.addEventListener("error", () => { done(); say(`${name} could not be sent: the connection broke. Try again.`); });
    request.addEventListener("load", () => {
      if (request.status < 300 && request.responseURL !== new URL(form.action).href) {
        window.location.assign(request.responseURL);
        return;
      }
      done();
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      const reason = page.querySelector("#upload-form .field-error:not([hidden])") || page.querySelector("main p, body");
      say(reason ? reason.textContent.trim().slice(0, 500) : `The server refused the file (${request.status}).`);
    });
    request.open("POST", form.action);
    request.send(new FormData(form));
  }
})();
