// One stream a page. Each message names a topic; blocks that listen for `live:<topic>` fetch themselves again.
const QUIET = 1000; // ms between two refreshes of one topic: the first at once, the last never lost
const waiting = new Map();
let hiddenTopics = new Set();

function refresh(topic) {
  if (document.hidden) return void hiddenTopics.add(topic);
  document.body.dispatchEvent(new CustomEvent(`live:${topic}`));
}

function told(topic) {
  if (waiting.has(topic)) return void waiting.set(topic, true);
  waiting.set(topic, false);
  refresh(topic);
  const again = () => {
    if (!waiting.get(topic)) return void waiting.delete(topic);
    waiting.set(topic, false);
    refresh(topic);
    setTimeout(again, QUIET);
  };
  setTimeout(again, QUIET);
}

function show(state, texts) {
  const dot = document.querySelector("[data-live-state]");
  if (!dot) return;
  dot.dataset.liveState = state;
  dot.title = state === "live" ? texts.live_hint : texts.offline_hint;
  dot.querySelector(".live-word").textContent = texts[state] || state;
}

export function connect(texts) {
  const address = document.body.dataset.stream;
  if (!address) return;
  let pause = 1000, lost = false, stream;
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    const topics = hiddenTopics;
    hiddenTopics = new Set();
    topics.forEach(refresh);
  });
  addEventListener("pagehide", () => stream?.close());
  addEventListener("pageshow", (event) => event.persisted && open());
  const open = () => {
    stream = new EventSource(address);
    stream.onopen = () => {
      show("live", texts);
      pause = 1000;
      if (lost) told("reload");
      lost = false;
    };
    stream.onmessage = (event) => {
      const { topic } = JSON.parse(event.data);
      if (topic === "bye") {
        stream.close();
        location.reload();
      } else if (topic) told(topic);
    };
    stream.onerror = () => {
      stream.close();
      lost = true;
      show("offline", texts);
      setTimeout(open, pause + Math.random() * 500);
      pause = Math.min(pause * 2, 30000);
    };
  };
  show("connecting", texts);
  open();
}
