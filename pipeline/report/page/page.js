"use strict";
const data = JSON.parse(document.getElementById("data").textContent);

// Where a number comes from: on hover, focus or tap.
const told = document.getElementById("origin");
let kept = null; // the number that was tapped, whose origin stays
function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
function tell(number) {
  const places = number.dataset.from.split(" ").map(Number);
  told.replaceChildren(element("strong", number.textContent));
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
  told.hidden = false;
}
function hush() {
  kept = null;
  told.hidden = true;
}
for (const number of document.querySelectorAll(".n")) {
  number.addEventListener("mouseenter", () => kept || tell(number));
  number.addEventListener("mouseleave", () => kept || hush());
  number.addEventListener("focus", () => tell(number));
  number.addEventListener("blur", () => kept === number || hush());
  number.addEventListener("click", () => {
    if (kept === number) return hush();
    kept = number;
    tell(number);
  });
}
document.addEventListener("keydown", (event) => event.key === "Escape" && hush());

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
for (const button of document.querySelectorAll(".zoom")) {
  button.addEventListener("click", () => {
    large.lastElementChild.replaceChildren(button.firstElementChild.cloneNode(true));
    large.showModal();
  });
}

// Learning curves, a chart for each text, a line for each run.
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#7b6888"];
const SVG = "http://www.w3.org/2000/svg";
function drawn(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}
function chart(text, runs) {
  const [width, height, left, bottom, top] = [640, 300, 50, 40, 10];
  const most = Math.max(...runs.map((run) => run.losses.length));
  const all = runs.flatMap((run) => run.losses);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const x = (epoch) => left + ((epoch - 1) / Math.max(1, most - 1)) * (width - left - 20);
  const y = (loss) => top + ((high - loss) / (high - low || 1)) * (height - bottom - top);
  const picture = drawn("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Learning curves on ${text}` });
  picture.append(drawn("line", { class: "axis", x1: left, x2: left, y1: top, y2: height - bottom }));
  picture.append(drawn("line", { class: "axis", x1: left, x2: width - 20, y1: height - bottom, y2: height - bottom }));
  for (let at = 0; at <= 4; at++) {
    const loss = low + (at / 4) * (high - low);
    picture.append(drawn("text", { x: left - 6, y: y(loss) + 4, "text-anchor": "end" }, loss.toFixed(2)));
  }
  for (let epoch = 1; epoch <= most; epoch++) {
    picture.append(drawn("text", { x: x(epoch), y: height - bottom + 18, "text-anchor": "middle" }, String(epoch)));
  }
  picture.append(drawn("text", { x: (left + width) / 2, y: height - 4, "text-anchor": "middle" }, "epoch"));
  const models = [...new Set(runs.map((run) => run.model))];
  const boxes = document.createElement("fieldset");
  boxes.className = "runs";
  boxes.append(element("legend", text));
  for (const run of runs) {
    const colour = COLOURS[models.indexOf(run.model) % COLOURS.length];
    const points = run.losses.map((loss, at) => `${x(at + 1)},${y(loss)}`).join(" ");
    const line = drawn("polyline", { points, fill: "none", stroke: colour, "stroke-width": 1.6 });
    line.append(drawn("title", {}, `${run.model} seed ${run.seed}`));
    picture.append(line);
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = true;
    box.addEventListener("change", () => line.setAttribute("visibility", box.checked ? "visible" : "hidden"));
    const mark = element("span", "■ ");
    mark.style.color = colour;
    label.append(box, mark, `${run.model} seed ${run.seed}`);
    boxes.append(label);
  }
  return [boxes, picture];
}
const place = document.getElementById("chart");
for (const text of new Set(data.curves.map((run) => run.text))) {
  place.append(...chart(text, data.curves.filter((run) => run.text === text)));
}
if (!data.curves.length) place.append("No run of more than one epoch is there.");
