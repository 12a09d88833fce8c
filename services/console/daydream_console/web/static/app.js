import { send, toast } from "/static/api.js";
import { setUpReview } from "/static/review.js";
import { setUpEvents } from "/static/events.js";
import { setUpTables } from "/static/tables.js";

const NANO = 1e9;

function fields(form) {
  const content = Object.fromEntries(new FormData(form));
  if (!("change" in form.dataset)) return content;
  const { why, ...rest } = content;
  const change = { kind: form.dataset.change };
  for (const [name, value] of Object.entries(rest)) {
    if (name.endsWith("_usd")) change[name.replace("_usd", "_nanousd")] = Math.round(Number(value) * NANO);
    else if (value === "true" || value === "false") change[name] = value === "true";
    else if (name === "ratio" || name === "days") change[name] = Number(value);
    else change[name] = value;
  }
  return { change, why: why ?? "" };
}

function done(target) {
  if (target === "reload" || !target) location.reload();
  else if (target === "next") location.assign(nextPage());
  else location.assign(target);
}

function nextPage() {
  const next = new URLSearchParams(location.search).get("next") ?? "/";
  return next.startsWith("/") && !next.startsWith("//") ? next : "/";
}

async function confirmed(text) {
  if (!text) return true;
  const dialog = document.createElement("dialog");
  const title = document.createElement("p");
  title.textContent = text;
  const form = document.createElement("form");
  form.method = "dialog";
  for (const [value, label] of [["yes", "Yes"], ["no", "No"]]) {
    const button = document.createElement("button");
    button.value = value;
    button.textContent = label;
    form.append(button);
  }
  dialog.setAttribute("aria-label", text);
  dialog.append(title, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes"); });
  });
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!("api" in form.dataset)) return;
  event.preventDefault();
  if (!(await confirmed(form.dataset.confirm))) return;
  const answer = await send("POST", form.dataset.api, fields(form));
  if (!answer) return;
  if ("secret" in form.dataset) {
    form.querySelector("output").textContent = `The secret, shown once: ${answer.secret}`;
    return;
  }
  done(form.dataset.done);
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { post, delete: remove, body, confirm, copy, open, done: target } = button.dataset;
  if (open) document.getElementById(open).showModal();
  if (copy) navigator.clipboard.writeText(copy).then(() => toast("Copied."), () => toast(copy));
  if ("signOut" in button.dataset && (await send("DELETE", "/api/v1/session"))) location.assign("/sign-in");
  if (!post && !remove) return;
  if (!(await confirmed(confirm))) return;
  const answer = post ? await send("POST", post, body ? JSON.parse(body) : undefined) : await send("DELETE", remove);
  if (answer) done(target);
});

// On a phone the list of screens scrolls sideways: show the present one.
document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
setUpReview();
setUpEvents();
setUpTables();
