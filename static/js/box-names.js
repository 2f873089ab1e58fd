// Keeps the names under the boxes of faces in sight: those that would run over an edge move in, those that are longer
// than the photo is wide are cut, with "…". The whole name stays in the box's label and in its row.

const MARGIN = 6 // CSS pixels, for the outline of the letters

const lettersOf = (text) => [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment)

/** @param {SVGElement} boxes  laid over the photo  @param {Element} stage  what is in sight */
export function fitNames(boxes, stage) {
  const [photo, sight] = [boxes.getBoundingClientRect(), stage.getBoundingClientRect()]
  const scale = photo.width / boxes.clientWidth || 1 // the photo is zoomed by a transform
  const left = Math.min(photo.left, sight.left) + MARGIN * scale
  const right = Math.max(photo.right, sight.right) - MARGIN * scale
  for (const text of boxes.querySelectorAll(".box text")) {
    text.dataset.name ??= text.textContent
    text.textContent = text.dataset.name
    text.removeAttribute("dx")
    cut(text, right - left)
    const { left: start, right: end } = text.getBoundingClientRect()
    const over = start < left ? start - left : Math.max(end - right, 0)
    if (over) text.setAttribute("dx", -over / scale)
  }
}

function cut(text, room) {
  let letters = lettersOf(text.dataset.name)
  for (let width = text.getBoundingClientRect().width; width > room && letters.length > 1;) {
    letters = letters.slice(0, Math.min(letters.length - 1, Math.floor(letters.length * room / width)))
    text.textContent = `${letters.join("").trimEnd()}…`
    width = text.getBoundingClientRect().width
  }
}
