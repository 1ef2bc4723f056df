// The preview follows: hears of each save, fetches the page anew and puts in what is different.
"use strict";

let version = Number(document.body.dataset.version);
let asked = 0;

function say(text, on) {
  const live = document.getElementById("live");
  live.classList.toggle("on", on);
  live.replaceChildren(Object.assign(document.createElement("span"), { textContent: on ? "●" : "○" }));
  live.firstChild.setAttribute("aria-hidden", "true");
  live.append(" " + text);
}

// Frames whose address alone is new are sent there: the old picture stays until the new one is in.
function settle(old, fresh) {
  if (old.outerHTML === fresh.outerHTML) return;
  const parts = (root) => [...root.children].filter((each) => each.dataset.part);
  const before = parts(old), after = parts(fresh);
  const same = before.length && before.length === after.length &&
    before.every((each, place) => each.dataset.part === after[place].dataset.part) &&
    before.length === old.children.length;
  if (same) {
    before.forEach((each, place) => settle(each, after[place]));
    return;
  }
  const was = old.querySelectorAll("iframe"), is = fresh.querySelectorAll("iframe");
  if (was.length === 1 && is.length === 1) {
    const address = is[0].getAttribute("src"), kept = was[0].getAttribute("src");
    is[0].setAttribute("src", kept);
    const frameOnly = old.outerHTML === fresh.outerHTML;
    is[0].setAttribute("src", address);
    if (frameOnly) {
      was[0].setAttribute("src", address);
      return;
    }
  }
  old.replaceWith(document.importNode(fresh, true));
}

async function refresh() {
  const mine = ++asked;
  const answer = await fetch(location.href, { cache: "no-store" });
  if (!answer.ok) { location.assign("/"); return; }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (mine !== asked) return;
  for (const id of ["texts", "head", "stage"]) {
    settle(document.getElementById(id), page.getElementById(id));
  }
  document.title = page.title;
  document.body.dataset.version = page.body.dataset.version;
  say("Followed at " + new Date().toLocaleTimeString("en-GB"), true);
}

const events = new EventSource("/events");
events.onopen = () => say("Follows every save", true);
events.onerror = () => say("The preview has ended, or is not reached", false);
events.onmessage = (event) => {
  const news = JSON.parse(event.data);
  if (news.version === version) return;
  version = news.version;
  // The frames first: what is looked at need not wait for the page around it.
  let shown = Promise.resolve();
  for (const frame of document.querySelectorAll("#stage iframe")) {
    const address = frame.getAttribute("src"), mark = news.marks[address.split("/")[1]];
    const next = address.replace(/v=[0-9a-f]+$/, "v=" + mark);
    if (mark && next !== address) {
      // With an error there is nothing to load, so it is not waited for.
      shown = new Promise((done) => {
        frame.addEventListener("load", done, { once: true });
        setTimeout(done, 150);
      });
      frame.setAttribute("src", next);
    }
  }
  shown.then(refresh).catch(() => say("The preview has ended, or is not reached", false));
};
