// Selecting photos in a grid. The boxes belong to <form id="selection">, the bar below the grid, whose buttons act on
// what is ticked; without this script the boxes and the bar are plain.
//
// A click on a tick, Shift and a click for all in between, a long press on a phone. With the keyboard the grid is one
// stop: arrows move, Space ticks, Shift and arrows tick a range, Escape clears.
// [data-select-day] ticks a day; [data-select-mode] makes every tap a tick; [data-select-all] means all of the list,
// those not loaded yet, too.

import { written } from "./numbers.js"
import { between, makeStop, onEscape, onLongPress, reachedBy, selectNoText, settleStop } from "./selecting.js"

const TILE = "#months .rows > li"
const STOP = ".rows > li > a"
const form = document.getElementById("selection")
const grid = document.getElementById("months")

let anchor = null // where a range starts
let isAll = false
const without = new Set() // unticked since "Select all"

const tilesOf = (part) => [...part.querySelectorAll(".rows > li")]
const boxOf = (tile) => tile.querySelector("input[name=photos]")
const linkOf = (tile) => tile.querySelector("a")
const isTicked = (tile) => boxOf(tile)?.checked

function tick(tile, checked) {
  const box = boxOf(tile)
  if (!box) return
  box.checked = checked
  tile.classList.toggle("is-selected", checked)
  if (!isAll) return
  if (checked) without.delete(box.value)
  else without.add(box.value)
}

function show() {
  const ticked = tilesOf(grid).filter(isTicked)
  const all = form.querySelector("[data-select-all]")
  const count = isAll ? Number(all.dataset.selectAll) - without.size : ticked.length
  if (isAll && count <= 0) return clear()
  form.querySelector("[data-selected-count]").textContent = written(count)
  form.classList.toggle("is-open", count > 0)
  document.body.classList.toggle("has-selection", count > 0)
  if (all) all.hidden = isAll || count === 0 || Number(all.dataset.selectAll) <= ticked.length
  for (const button of grid.querySelectorAll("[data-select-day]")) {
    const day = tilesOf(button.closest(".day-head").nextElementSibling)
    button.setAttribute("aria-pressed", String(day.length > 0 && day.every(isTicked)))
  }
}

function clear() {
  isAll = false
  without.clear()
  anchor = null
  for (const tile of tilesOf(grid)) tick(tile, false)
  setMode(false)
  show()
}

function setMode(on) {
  document.body.classList.toggle("is-selecting", on)
  for (const button of document.querySelectorAll("[data-select-mode]")) button.setAttribute("aria-pressed", String(on))
}

const isSelecting = () => document.body.matches(".is-selecting, .has-selection")

function toggle(tile, withRange) {
  if (withRange && anchor?.isConnected) {
    const checked = isTicked(anchor)
    for (const each of between(tilesOf(grid), anchor, tile)) tick(each, checked)
  } else {
    tick(tile, !isTicked(tile))
    anchor = tile
  }
  show()
}

// Pointer

grid?.addEventListener("click", (event) => {
  const day = event.target.closest("[data-select-day]")
  if (day) {
    const tiles = tilesOf(day.closest(".day-head").nextElementSibling)
    const checked = !tiles.every(isTicked)
    for (const tile of tiles) tick(tile, checked)
    show()
    return
  }
  if (event.target.closest("[data-select-mode]")) {
    const on = !document.body.classList.contains("is-selecting")
    if (on) setMode(true)
    else clear()
    return
  }
  const tile = event.target.closest(".rows > li")
  if (!tile || event.ctrlKey || event.metaKey) return
  if (event.target.closest(".tick")) {
    event.preventDefault() // the label's click and the box's are one
    requestAnimationFrame(() => toggle(tile, event.shiftKey)) // after the browser put the box back
  } else if (event.target.closest("a") && event.detail > 0 && (isSelecting() || event.shiftKey)) {
    event.preventDefault()
    toggle(tile, event.shiftKey)
  }
})

selectNoText(TILE)
onLongPress((target) => target.closest(TILE), (tile) => toggle(tile, false))

// Keyboard: one tile is in the order of Tab, the others are reached from it.

// What is swapped in does not know which tile was the stop; after an act it may be gone, and the next one takes its place.
let followed = [] // ids

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (!grid || detail.target !== grid) return
  const tiles = tilesOf(grid)
  const place = tiles.findIndex((tile) => linkOf(tile).tabIndex === 0)
  followed = tiles.slice(Math.max(place, 0)).map(({ id }) => id)
})

function keepStop() {
  if (!followed.length || grid.querySelector(`${STOP}[tabindex="0"]`)) return
  const tiles = new Map(tilesOf(grid).map((tile) => [tile.id, tile]))
  const tile = tiles.get(followed.find((id) => tiles.has(id))) ?? [...tiles.values()].at(-1)
  if (tile) makeStop(grid, STOP, linkOf(tile))
}

const goOnInGrid = () => grid.querySelector(`${STOP}[tabindex="0"]`)?.focus({ preventScroll: true })

function rove() {
  for (const tile of tilesOf(grid)) {
    const box = boxOf(tile)
    if (box) box.tabIndex = -1
    if (isAll && box && !without.has(box.value)) tick(tile, true)
  }
  keepStop()
  settleStop(grid, STOP)
}

function extend(from, to) {
  if (!anchor?.isConnected) anchor = from
  const tiles = tilesOf(grid)
  const wanted = new Set(between(tiles, anchor, to))
  for (const tile of between(tiles, anchor, from)) if (!wanted.has(tile)) tick(tile, false)
  for (const tile of wanted) tick(tile, true)
  show()
}

grid?.addEventListener("keydown", (event) => {
  const tile = event.target.closest(".rows > li")
  if (!tile || event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key === " ") {
    event.preventDefault()
    toggle(tile, event.shiftKey)
    return
  }
  const next = reachedBy(event.key, tilesOf(grid), tile)
  if (!next) return
  event.preventDefault()
  if (event.shiftKey) extend(tile, next)
  makeStop(grid, STOP, linkOf(next))
  linkOf(next).focus()
})

grid?.addEventListener("focusin", (event) => {
  const tile = event.target.closest(".rows > li")
  if (tile) makeStop(grid, STOP, linkOf(tile))
})

onEscape(isSelecting, clear)

// The form

// One value for all: a form may have a thousand values at most.
form?.addEventListener("formdata", ({ formData }) => {
  const photos = formData.getAll("photos")
  formData.delete("photos")
  formData.set("next", location.pathname + location.search)
  if (isAll) {
    formData.set("all", "yes")
    formData.set("except", [...without].join(","))
  } else {
    formData.set("photos", photos.join(","))
  }
})

form?.addEventListener("click", (event) => {
  if (event.target.closest("[data-clear-selection]")) {
    clear()
    goOnInGrid()
  }
  if (event.target.closest("[data-select-all]")) {
    isAll = true
    without.clear()
    for (const tile of tilesOf(grid)) tick(tile, true)
    show()
  }
})

const dialog = document.getElementById("ask")
dialog?.addEventListener("click", (event) => {
  if (!event.target.closest("[data-close-dialog]")) return
  event.preventDefault()
  dialog.close()
})

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target === dialog) {
    htmx.process(dialog) // htmx itself comes to that later: a key pressed before would send the form as a page
    dialog.showModal()
    return
  }
  if (!grid || !(detail.target === grid || grid.contains(detail.target))) return
  const isAct = detail.requestConfig.verb === "post"
  if (isAct) {
    dialog?.close()
    clear()
  }
  rove()
  show()
  // What was pressed is gone with the bar or the dialog. The browser notices later; a key may be pressed before.
  const { activeElement, body } = document
  if (isAct && (activeElement === body || !activeElement.checkVisibility())) goOnInGrid()
})
addEventListener("pageshow", () => { if (grid) { for (const tile of tilesOf(grid)) tile.classList.toggle("is-selected", Boolean(isTicked(tile))); show() } })

if (grid && form) {
  document.body.classList.add("can-select")
  rove()
  show()
}
