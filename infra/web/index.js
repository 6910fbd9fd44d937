import { every } from "/common/dom.js";
import { configuration, request } from "/common/http.js";

const said = document.getElementById("said");
const shown = document.getElementById("now");

function show({ now }) {
  shown.dateTime = now;
  shown.textContent = now.slice(0, 19).replace("T", " ");
}

async function travel(minutes) {
  try {
    show(await request("POST", "/local/clock", { body: { minutes } }));
    said.textContent = `It is ${minutes} minutes later now.`;
  } catch (refused) {
    said.textContent = refused.message;
  }
}

for (const button of document.querySelectorAll("[data-minutes]")) {
  button.addEventListener("click", () => travel(Number(button.dataset.minutes)));
}
document.getElementById("travel").addEventListener("submit", (event) => {
  event.preventDefault();
  travel(Number(document.getElementById("minutes").value));
});
document.getElementById("sweep").addEventListener("click", async () => {
  said.textContent = "Sweeping …";
  try {
    await request("POST", "/local/sweep", { body: {} });
    said.textContent = "Swept: lapsed holds are given back.";
  } catch (refused) {
    said.textContent = refused.message;
  }
});

every(1, async () => show(await request("GET", "/local/clock")));
document.getElementById("track").href = `${(await configuration()).api}/track`;
