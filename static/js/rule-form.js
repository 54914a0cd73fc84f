// A rule's form: another check has other parameters, so the form is asked for anew with what was typed.
"use strict";

document.addEventListener("change", (event) => {
  if (event.target.id !== "id_check_id") return;
  const ask = document.createElement("input");
  ask.type = "hidden";
  ask.name = "_show";
  ask.value = "1";
  event.target.form.append(ask);
  event.target.form.submit();
});
