// Forms with faces to tick: <form data-selection>. Says how many are ticked, and ticks many at once.
//
//   [data-ticked]        holds the number of faces: those a box answers for (its data-faces), and data-more of the form,
//                        which are not shown
//   [data-needs-ticked]  a button that makes no sense without any;  [data-needs-unticked] one without any unticked
//   [data-needs-one]     a button for a single face
//   [data-while-ticked]  shown only while there are some
//   [data-tick-all]      ticks all, or none if all are ticked;  [data-clear] ticks none
// Shift and a click ticks everything since the last click.

import { written } from "./numbers.js"
import { between, selectNoText } from "./selecting.js"

let last

const boxesOf = (form) => [...form.querySelectorAll("input[name=faces]")]

function count(form) {
  const ticked = boxesOf(form).filter((box) => box.checked)
  const all = ticked.reduce((sum, box) => sum + Number(box.dataset.faces ?? 1), 0)
  const settled = all && all + Number(form.dataset.more ?? 0)
  for (const element of form.querySelectorAll("[data-ticked]")) element.textContent = written(settled)
  for (const button of form.querySelectorAll("[data-needs-ticked]")) button.disabled = !ticked.length
  for (const button of form.querySelectorAll("[data-needs-unticked]")) button.hidden = ticked.length === boxesOf(form).length
  for (const button of form.querySelectorAll("[data-needs-one]")) button.disabled = ticked.length !== 1
  for (const element of form.querySelectorAll("[data-while-ticked]")) element.hidden = !ticked.length
}

function countAll() {
  document.querySelectorAll("form[data-selection]").forEach(count)
}

function tick(form, boxes, checked) {
  for (const box of boxes) box.checked = checked
  count(form)
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-selection]")
  if (form && event.target.name === "faces") count(form)
})

document.addEventListener("click", (event) => {
  const form = event.target.closest("form[data-selection]")
  if (!form) return
  const boxes = boxesOf(form)
  if (event.target.closest("[data-tick-all]")) tick(form, boxes, boxes.some((box) => !box.checked))
  else if (event.target.closest("[data-clear]")) tick(form, boxes, false)
  else if (event.target.name === "faces") {
    if (event.shiftKey) tick(form, between(boxes, last, event.target), event.target.checked)
    last = event.target
  }
})

selectNoText("form[data-selection] .tile")

// Return on a face would send the form.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("form[data-selection] input[name=faces]")) event.preventDefault()
})

document.addEventListener("htmx:afterSwap", countAll)
addEventListener("pageshow", countAll) // the browser's Back keeps ticks
countAll()
