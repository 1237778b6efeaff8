// Every text, and every line of a chart, whose colour is too near to what lies behind it (WCAG 2, level AA).
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
function colour(text) {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = text;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
}
function behind(element) {
  for (let at = element; at; at = at.parentElement) {
    const [red, green, blue, alpha] = colour(getComputedStyle(at).backgroundColor);
    if (alpha === 255) return [red, green, blue];
    if (alpha !== 0) throw Error(`half-transparent: ${at.outerHTML.slice(0, 80)}`);
  }
  throw Error("no background");
}
function luminance([red, green, blue]) {
  const [r, g, b] = [red, green, blue].map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}
const found = { checked: 0, faults: [] };
function check(element, text, paint, needed) {
  const ratio = contrast(colour(paint), behind(element));
  found.checked += 1;
  if (ratio < needed) found.faults.push(`${text.slice(0, 40)}: ${paint}, ${ratio.toFixed(2)}`);
}
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = texts.nextNode(); node; node = texts.nextNode()) {
  const text = node.textContent.trim();
  const element = node.parentElement;
  if (!text || element.closest("script, title") || !element.checkVisibility()) continue;
  const style = getComputedStyle(element);
  if (style.opacity !== "1") throw Error(`opacity: ${text}`);
  const size = parseFloat(style.fontSize);
  const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  check(element, text, element instanceof SVGElement ? style.fill : style.color, isLarge ? 3 : 4.5);
}
for (const line of document.querySelectorAll("#chart .line")) check(line, line.textContent, getComputedStyle(line).stroke, 3);
return found;
