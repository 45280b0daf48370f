// "Show messages on this device": asks the browser, then tells the platform its address.
const button = document.querySelector("[data-push]");
const told = document.querySelector("[data-push-told]");

function bytes(text) {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

async function subscribe() {
  button.disabled = true;
  try {
    const registration = await navigator.serviceWorker.register(button.dataset.worker, { scope: button.dataset.scope });
    const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(button.dataset.push) });
    const answer = await fetch(button.dataset.url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value },
      body: JSON.stringify({ code: button.dataset.code, subscription: subscription.toJSON() }),
    });
    const said = await answer.json();
    told.textContent = answer.ok ? button.dataset.done : said.detail;
    button.hidden = answer.ok;
  } catch {
    told.textContent = button.dataset.failed;
  }
  button.disabled = false;
}

if (button) {
  if ("serviceWorker" in navigator && "PushManager" in window) button.addEventListener("click", subscribe);
  else button.hidden = true;
}
