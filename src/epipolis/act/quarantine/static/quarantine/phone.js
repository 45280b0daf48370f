// The telephone of somebody who is watched: a fix every few minutes while the page is open; what could not be sent waits here.
const KEPT = 200;

class FencePhone extends HTMLElement {
  connectedCallback() {
    this.state = this.querySelector("[data-state]");
    this.key = `fence-${this.dataset.token.slice(0, 12)}`;
    this.querySelector("[data-start]").addEventListener("click", () => this.start());
    addEventListener("online", () => this.send());
    if (localStorage.getItem(`${this.key}-on`)) this.start();
  }

  start() {
    if (this.timer) return;
    localStorage.setItem(`${this.key}-on`, "1");
    this.querySelector("[data-start]").hidden = true;
    navigator.getBattery?.().then((battery) => { this.battery = battery; });
    this.timer = setInterval(() => this.look(), Number(this.dataset.every) * 1000);
    this.look();
  }

  look() {
    const seen = (place) => this.keep(place);
    if (!navigator.geolocation) return void this.keep(null);
    navigator.geolocation.getCurrentPosition(({ coords, timestamp }) => seen({ coords, timestamp }), (error) => {
      if (error.code === error.PERMISSION_DENIED) this.state.textContent = this.dataset.denied;
      seen(null);
    }, { enableHighAccuracy: true, timeout: 60000, maximumAge: 60000 });
  }

  keep(place) {
    const fix = { phone: this.dataset.token, time: Math.floor((place?.timestamp ?? Date.now()) / 1000), source: "device" };
    if (place) Object.assign(fix, { lon: place.coords.longitude, lat: place.coords.latitude, accuracy: place.coords.accuracy });
    if (this.battery) Object.assign(fix, { battery: this.battery.level, charging: this.battery.charging });
    localStorage.setItem(this.key, JSON.stringify([...this.waiting(), fix].slice(-KEPT)));
    this.send(Boolean(place));
  }

  waiting() {
    try { return JSON.parse(localStorage.getItem(this.key) || "[]"); } catch { return []; }
  }

  async send(tell = true) {
    const all = this.waiting();
    if (!all.length) return;
    try {
      const now = new Date().toISOString();
      const body = JSON.stringify(all.map((fix) => ({ ...fix, sent: now })));
      const answer = await fetch(this.dataset.url, { method: "POST", body, headers: { "Content-Type": "application/json" } });
      if (answer.status >= 500) throw new Error(String(answer.status));
      const sent = new Set(all.map((fix) => fix.time));
      localStorage.setItem(this.key, JSON.stringify(this.waiting().filter((fix) => !sent.has(fix.time))));
      const told = await answer.json().catch(() => ({}));
      if (!answer.ok) this.state.textContent = `${this.dataset.refused} ${told.detail ?? ""}`;
      else if (tell || told.clock) this.state.textContent = `${this.dataset.sent} ${new Date().toLocaleTimeString()} ${told.clock ?? ""}`;
    } catch {
      this.state.textContent = `${this.dataset.waits} ${all.length}`;
    }
  }
}

customElements.define("fence-phone", FencePhone);
