// The page at /: a text field, the tags, and how little of the network they took. No file beside it, nothing from elsewhere.

const style = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
  body { max-width: 40rem; margin: 2rem auto; padding: 0 1rem; }
  label, input, button { font: inherit; }
  form { display: flex; flex-wrap: wrap; gap: .5rem; }
  label { flex: 1 0 100%; }
  input { flex: 1 1 15rem; padding: .4rem .6rem; }
  button { padding: .4rem 1rem; }
  li { margin: .2rem 0; }
  meter { width: 6rem; vertical-align: middle; margin-inline-end: .5rem; }`;

const script = `
  const [form] = document.forms;
  const answer = document.querySelector("#answer");
  let asked = 0;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const mine = ++asked;
    answer.setAttribute("aria-busy", "true");
    const body = JSON.stringify({ text: form.elements.text.value });
    // what the platform itself answers, as past a limit, is no JSON
    const told = await fetch("tag", { method: "POST", body })
      .then((response) => response.json().catch(() => ({ error: { message: "got status " + response.status + " without an answer" } })))
      .catch((error) => ({ error: { message: String(error) } }));
    if (mine !== asked) return;
    answer.replaceChildren(...(told.error ? [line("p", told.error.message)] : linesOf(told)));
    answer.setAttribute("aria-busy", "false");
  });
  function linesOf({ tags, unknown, operations: { done, dense } }) {
    const list = document.createElement("ol");
    for (const { name, share } of tags) {
      const item = line("li", name + " (" + (100 * share).toFixed(1) + " %)");
      const meter = Object.assign(document.createElement("meter"), { value: share });
      meter.setAttribute("aria-hidden", "true");
      item.prepend(meter);
      list.append(item);
    }
    const cost = done.toLocaleString() + " of " + dense.toLocaleString() + " multiply-adds (" + (100 * done / dense).toFixed(1) + " %)";
    return [list, line("p", cost), ...(unknown.length > 0 ? [line("p", "never seen: " + unknown.join(", "))] : [])];
  }
  function line(tag, text) {
    return Object.assign(document.createElement(tag), { textContent: text });
  }`;

export function page(): Response {
  const nonce = crypto.randomUUID();
  const body = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>What kind of thing is it?</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${style}</style>
<h1>What kind of thing is it?</h1>
<form>
  <label for="text">Say what a noun means; the network names what it is a kind of.</label>
  <input id="text" name="text" required maxlength="2000" value="a small domesticated feline kept as a pet" autocomplete="off">
  <button>Tag</button>
</form>
<div id="answer" role="status" aria-live="polite"></div>
<script nonce="${nonce}" type="module">${script}</script>
</html>`;
  const policy = `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'`;
  return new Response(body, { headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": policy } });
}
