// The people page: cards that can be selected, and what all of them can have done at once. A card (.pickable) holds a
// checkbox of the form #picks; hovering over it, or "Select", brings the checkbox up, and so does a long press.
//
//   [data-picked]         holds how many are selected;   [data-while-picked] is shown only while there are some
//   [data-for-groups]     makes sense for groups only;   [data-for-people] needs two, one of them a person
//   [data-pick-every]     selects all of a kind, also those on other pages: the server finds them
//   [data-pick-none]      selects none;                  [data-select] starts and ends selecting
// Shift and a click selects everything since the last click.

import { written } from "./numbers.js"
import { between, onEscape, onLongPress } from "./selecting.js"

let isSelecting = false
let last = null

const region = () => document.querySelector("[data-picking]")
const form = () => document.getElementById("picks")
const boxes = () => [...document.querySelectorAll("input[form=picks][type=checkbox]")]
const ofKind = (kind) => boxes().filter((box) => box.name === kind)
const every = () => form().querySelector("[data-pick-all]")

function update() {
  if (!form()) return
  const ticked = boxes().filter((box) => box.checked)
  const kind = every().value
  const isWhole = kind && ofKind(kind).every((box) => box.checked)
  if (kind && !isWhole) every().value = ""
  const whole = isWhole ? Number(form().querySelector(`[data-pick-every="${kind}"]`)?.dataset.count ?? 0) : 0
  const beside = isWhole ? ticked.filter((box) => box.name !== kind).length : ticked.length
  const count = whole + beside
  const people = ticked.filter((box) => box.name === "people").length
  const groups = ticked.length - people
  for (const element of form().querySelectorAll("[data-picked]")) element.textContent = written(count)
  for (const element of form().querySelectorAll("[data-while-picked]")) element.hidden = !count
  for (const element of form().querySelectorAll("[data-for-groups]")) element.hidden = !groups || people > 0
  for (const element of form().querySelectorAll("[data-for-people]")) element.hidden = !people || people + groups < 2
  for (const element of form().querySelectorAll("[data-pick-every]")) {
    element.hidden = element.dataset.pickEvery === kind || !ticked.some((box) => box.name === element.dataset.pickEvery)
  }
  region().classList.toggle("picking", isSelecting || count > 0)
  for (const button of document.querySelectorAll("[data-select]")) button.setAttribute("aria-pressed", String(isSelecting))
}

function tick(some, checked) {
  for (const box of some) box.checked = checked
  update()
}

function stop() {
  isSelecting = false
  every().value = ""
  tick(boxes(), false)
}

function clickedBox(box, isRange) {
  if (isRange) tick(between(boxes(), last, box), box.checked)
  last = box
  update()
}

document.addEventListener("change", (event) => {
  if (event.target.form?.id === "picks") update()
})

document.addEventListener("click", (event) => {
  if (!region()) return
  const box = event.target.closest("input[form=picks][type=checkbox]")
  const link = event.target.closest(".pickable > a")
  const button = event.target.closest("[data-select], [data-pick-every], [data-pick-none]")
  if (box) {
    clickedBox(box, event.shiftKey)
  } else if (link && isSelecting) {
    event.preventDefault()
    link.parentElement.querySelector("input[form=picks]").click()
  } else if (button?.matches("[data-select]")) {
    isSelecting = !isSelecting
    if (isSelecting) update()
    else stop()
  } else if (button?.matches("[data-pick-every]")) {
    every().value = button.dataset.pickEvery
    tick(ofKind(button.dataset.pickEvery), true)
  } else if (button) {
    stop()
  }
})

onEscape(() => form() && region().classList.contains("picking"), stop)

onLongPress(
  (target) => (target.closest("input, button, form") ? null : target.closest(".pickable")),
  (card) => {
    isSelecting = true
    tick([card.querySelector("input[form=picks]")], true)
  },
)

// Where one was is part of the address: coming back leads there, also when the browser loads the page anew.
document.addEventListener("click", (event) => {
  const link = event.target.closest("#people li[id] a[href]")
  if (link && !event.defaultPrevented) history.replaceState(history.state, "", `#${link.closest("li[id]").id}`)
})

function returnTo() {
  const place = location.hash.length > 1 && document.getElementById(location.hash.slice(1)) // ids need no escaping
  if (!place || !region()?.contains(place)) return
  place.closest("details")?.setAttribute("open", "")
  if (place.matches("details")) place.setAttribute("open", "")
  place.querySelector("a")?.focus({ preventScroll: true })
}

document.addEventListener("htmx:afterSwap", () => {
  if (!boxes().some((box) => box.checked)) isSelecting = false
  update()
})
addEventListener("pageshow", update) // the browser's Back keeps ticks
returnTo()
update()
