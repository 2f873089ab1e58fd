// Faces to tick, by key: <ul data-grid> is one stop for Tab, arrows move in it, with Shift they tick what they pass.
// X unticks the face that is pointed at or focused; O opens its pile in place, as a click on its number does.

import { makeStop, reachedBy, settleStop } from "./selecting.js"

const BOX = "input[name=faces]"

let pointedAt = null
document.addEventListener("pointerover", (event) => { pointedAt = event.target })

const grids = () => document.querySelectorAll("[data-grid]")
const tilesIn = (grid) => [...grid.children].filter((tile) => tile.offsetParent && tile.querySelector(BOX))
const areKeysOff = () => document.body.dataset.keys === "off"

function moveTo(grid, box) {
  settleStop(grid, BOX)
  makeStop(grid, BOX, box)
  box.focus()
  box.closest("li").scrollIntoView({ block: "nearest" })
}

function move(event) {
  const grid = event.target.closest("[data-grid]")
  const isKey = event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End"
  if (!isKey) return
  if (!grid) { // from the question itself an arrow leads into its faces
    const first = document.querySelector("[data-grid] input[name=faces]")
    if (event.target.id !== "q" || !first || !event.key.startsWith("Arrow")) return
    event.preventDefault()
    moveTo(first.closest("[data-grid]"), first)
    return
  }
  if (!event.target.matches(BOX)) return
  event.preventDefault()
  const to = reachedBy(event.key, tilesIn(grid), event.target.closest("li"))?.querySelector(BOX)
  if (!to) return
  if (event.shiftKey && to.checked !== event.target.checked) to.click()
  moveTo(grid, to)
}

/** The tile that a key is about: the focused one, or else the one under the pointer. */
function tile() {
  return (document.activeElement?.closest("[data-grid] > li") ?? pointedAt?.closest?.("[data-grid] > li")) || null
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
  if (document.querySelector("dialog[open]")) return
  if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return
  move(event)
  if (areKeysOff() || event.repeat || event.defaultPrevented) return
  const key = event.key.toLowerCase()
  const pressed = key === "x" ? tile()?.querySelector("input[name=faces]") : key === "o" ? tile()?.querySelector("[data-open-pile]") : null
  if (!pressed) return
  event.preventDefault()
  pressed.click()
})

// ---------- Piles

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open-pile]")
  if (!opener || event.ctrlKey || event.metaKey) return
  event.preventDefault()
  open(opener)
})

async function open(opener) {
  if ("opening" in opener.dataset) return
  opener.dataset.opening = ""
  try {
    const reply = await fetch(opener.dataset.openPile)
    if (!reply.ok) throw new Error(reply.statusText)
    const template = document.createElement("template")
    template.innerHTML = await reply.text()
    unfold(opener, document.importNode(template.content.querySelector("template").content, true))
  } catch {
    delete opener.dataset.opening
    window.open(opener.href, "_blank", "noopener") // the group's own page shows them, too
  }
}

function unfold(opener, faces) {
  const pile = opener.closest("li")
  const form = pile.closest("form")
  const box = pile.querySelector("input[name=faces]")
  const counted = new Set(form.elements.counted.value.split(","))
  // Who joined the group since the question was made is no part of it.
  for (const tile of [...faces.children].filter((child) => child.matches("li"))) {
    if (!counted.has(tile.querySelector("[name=shown]").value)) tile.remove()
  }
  const shown = faces.querySelectorAll("li").length
  const rest = Number(box.dataset.faces) - 1 - shown
  for (const other of faces.querySelectorAll("input[name=faces]")) other.checked = box.checked
  box.dataset.faces = rest + 1
  const first = faces.querySelector("input[name=faces]")
  pile.after(faces)
  if (rest) opener.textContent = `+${rest}`
  else opener.remove()
  pile.classList.toggle("pile", rest > 0)
  pile.classList.add("of-pile")
  pile.closest("[data-grid]").classList.add("has-open-pile")
  if (first) moveTo(first.closest("[data-grid]"), first)
}

document.addEventListener("kith:card", () => {
  for (const grid of grids()) settleStop(grid, BOX)
})
document.addEventListener("focusin", (event) => {
  const grid = event.target.matches?.(BOX) && event.target.closest("[data-grid]")
  if (grid) makeStop(grid, BOX, event.target)
})
for (const grid of grids()) settleStop(grid, BOX)
