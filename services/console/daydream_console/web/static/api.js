// Send a request to the API. Failures are shown with the fix that the API names.
export async function send(method, path, body) {
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    toast("The console does not answer. Try again in a moment.", true);
    return null;
  }
  const text = await response.text();
  const content = text ? JSON.parse(text) : {};
  if (!response.ok) {
    toast([content.detail, content.fix].filter(Boolean).join(". "), true);
    return null;
  }
  return content;
}

export function toast(text, failed = false, action = null) {
  const note = document.createElement("div");
  note.className = failed ? "toast failed" : "toast";
  note.textContent = text;
  if (action) {
    const button = document.createElement("button");
    button.textContent = action.label;
    button.addEventListener("click", () => { note.remove(); action.run(); });
    note.append(button);
  }
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), failed ? 12000 : 6000);
}
