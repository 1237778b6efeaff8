"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

// Where a number comes from: on hover and focus. A click or tap takes the reader into the box, which then stays.
const told = document.getElementById("origin");
let number = null; // the one that the box tells of
let stays = false;
let leaving = 0;
function tell(of) {
  const places = of.dataset.from.split(" ").map(Number);
  const close = element("button", "Close");
  close.addEventListener("click", leave);
  told.replaceChildren(close, element("strong", of.textContent));
  if (places.length > 1) told.append(element("p", `From ${places.length} files; the first of them, and what they share:`));
  const first = data.origins[places[0]];
  const list = document.createElement("dl");
  for (const [name, value] of Object.entries(first)) {
    const shared = places.every((place) => data.origins[place][name] === value);
    list.append(element("dt", name), element("dd", shared ? value : `${value} …`));
  }
  told.append(list);
  if (places.length > 1) {
    const all = document.createElement("details");
    all.append(element("summary", "All files"), ...places.map((place) => element("div", data.origins[place].file)));
    told.append(all);
  }
  number = of;
  told.hidden = false;
  // Below the number, or above it where there is more room; a phone has the box at its lower edge.
  const at = of.getBoundingClientRect();
  const isBelow = at.bottom + told.offsetHeight < innerHeight || at.top < innerHeight / 2;
  const left = Math.min(at.left, document.documentElement.clientWidth - told.offsetWidth - 8);
  told.style.setProperty("--left", `${Math.max(8, left) + scrollX}px`);
  told.style.setProperty("--top", `${(isBelow ? at.bottom : at.top - told.offsetHeight) + scrollY}px`);
}
function hush() {
  number = null;
  stays = false;
  told.hidden = true;
}
function leave() {
  if (told.contains(document.activeElement)) number.focus();
  hush();
}
function leaveSoon() {
  leaving = setTimeout(() => stays || document.activeElement === number || hush(), 200);
}
for (const each of document.querySelectorAll(".n")) {
  each.addEventListener("mouseenter", () => {
    clearTimeout(leaving);
    if (!stays) tell(each);
  });
  each.addEventListener("mouseleave", leaveSoon);
  each.addEventListener("focus", () => tell(each));
  each.addEventListener("blur", () => stays || hush());
  each.addEventListener("click", () => {
    stays = true;
    tell(each);
    told.focus({ preventScroll: true });
  });
}
told.addEventListener("mouseenter", () => clearTimeout(leaving));
told.addEventListener("mouseleave", leaveSoon);
told.addEventListener("focusout", (event) => told.contains(event.relatedTarget) || hush());
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && number) leave();
});

// Tables that sort, group by group.
function value(row, column) {
  const text = row.cells[column].textContent.trim();
  const found = text.replace(/,/g, "").match(/^[x+]?(-?\d+(\.\d+)?)/);
  return found ? Number(found[1]) : text;
}
function before(a, b) {
  if (typeof a === typeof b) return a < b ? -1 : a > b ? 1 : 0;
  return typeof a === "number" ? -1 : 1; // words, such as "not run", after all numbers
}
for (const table of document.querySelectorAll(".sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) =>
    heading.firstElementChild.addEventListener("click", () => {
      const rises = heading.getAttribute("aria-sort") !== "ascending";
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", rises ? "ascending" : "descending");
      for (const body of table.tBodies) {
        const [group, ...rows] = body.rows;
        const sorted = rows.map((row, at) => ({ row, at, value: value(row, column) }));
        sorted.sort((a, b) => {
          const words = typeof a.value !== typeof b.value;
          return (rises || words ? 1 : -1) * before(a.value, b.value) || a.at - b.at;
        });
        body.append(group, ...sorted.map((each) => each.row));
      }
    }),
  );
}

// Figures, large.
const large = document.getElementById("large");
for (const figure of document.querySelectorAll("figure")) {
  const button = figure.querySelector(".zoom");
  button.addEventListener("click", () => {
    large.setAttribute("aria-label", figure.querySelector("figcaption").textContent);
    large.lastElementChild.replaceChildren(button.firstElementChild.cloneNode(true));
    large.showModal();
  });
}
large.addEventListener("close", () => large.lastElementChild.replaceChildren());
