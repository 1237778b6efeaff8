
// Learning curves: a chart for each text, in it a line for each run and a look for each model.
const SVG = "http://www.w3.org/2000/svg";
const DASHES = ["", "7 3", "2 2", "9 3 2 3"];
function drawn(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}
function look(model) {
  // Eight colours, and another dash for each: they are told apart without colours too.
  return { class: `line look-${model % 8}`, "stroke-dasharray": DASHES[model % DASHES.length] };
}
function ticks(low, high, most) {
  // Round numbers, 1, 2 or 5 times a power of ten apart, from `low` or below to `high` or above.
  const apart = (high - low || 1) / most;
  const power = 10 ** Math.floor(Math.log10(apart));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= apart);
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toFixed(decimals)))
    .map((at) => ({ at, text: at.toFixed(decimals) }));
}
function chart(text, runs, width) {
  const [height, left, right, bottom, top] = [300, 44, 12, 40, 12];
  const epochs = Math.max(...runs.map((run) => run.losses.length));
  const all = runs.flatMap((run) => run.losses);
  const marks = ticks(Math.min(...all), Math.max(...all), 7);
  const [low, high] = [marks[0].at, marks.at(-1).at];
  const x = (epoch) => left + ((epoch - 1) / Math.max(1, epochs - 1)) * (width - left - right);
  const y = (loss) => top + ((high - loss) / (high - low || 1)) * (height - bottom - top);
  const picture = drawn("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Learning curves on ${text}` });
  for (const { at, text } of marks) {
    picture.append(drawn("line", { class: "axis", x1: left, x2: width - right, y1: y(at), y2: y(at) }));
    picture.append(drawn("text", { x: left - 6, y: y(at) + 4, "text-anchor": "end" }, text));
  }
  for (const { at, text } of ticks(1, epochs, Math.min(10, epochs - 1))) {
    if (at < 1 || at > epochs) continue;
    picture.append(drawn("line", { class: "axis", x1: x(at), x2: x(at), y1: height - bottom, y2: height - bottom + 4 }));
    picture.append(drawn("text", { x: x(at), y: height - bottom + 18, "text-anchor": "middle" }, text));
  }
  picture.append(drawn("text", { x: (left + width - right) / 2, y: height - 4, "text-anchor": "middle" }, "epoch"));
  const boxes = document.createElement("fieldset");
  boxes.className = "runs";
  boxes.append(element("legend", text));
  [...new Set(runs.map((run) => run.model))].forEach((model, number) => {
    const group = element("div", "");
    const key = drawn("svg", { viewBox: "0 0 28 10", "aria-hidden": "true" });
    key.append(drawn("line", { ...look(number), x1: 0, x2: 28, y1: 5, y2: 5 }));
    group.append(key, element("span", model));
    for (const run of runs.filter((each) => each.model === model)) {
      const name = `${model} seed ${run.seed}`;
      const points = run.losses.map((loss, at) => `${x(at + 1)},${y(loss)}`).join(" ");
      const line = drawn("polyline", { ...look(number), points });
      line.append(drawn("title", {}, name));
      picture.append(line);
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = true;
      box.setAttribute("aria-label", name);
      box.addEventListener("change", () => line.setAttribute("visibility", box.checked ? "visible" : "hidden"));
      const label = document.createElement("label");
      label.append(box, `seed ${run.seed}`);
      group.append(label);
    }
    boxes.append(group);
  });
  return [boxes, picture];
}
const place = document.getElementById("chart");
for (const text of new Set(data.curves.map((run) => run.text))) {
  place.append(...chart(text, data.curves.filter((run) => run.text === text), Math.min(640, place.clientWidth)));
}
if (!data.curves.length) place.append("No run of more than one epoch is there.");
