// Grids of unnamed groups: after one is named or hidden, the focus goes on to the one that takes its place, and what
// was unfolded stays so.

let place = -1
let open = []

const cards = () => [...document.querySelectorAll(".group-card")]

document.addEventListener("htmx:beforeRequest", (event) => {
  place = cards().indexOf(event.detail.elt.closest(".group-card"))
  open = [...document.querySelectorAll("details.fold[id][open]")].map((fold) => fold.id)
})

document.addEventListener("htmx:afterSwap", (event) => {
  if (!["people", "question"].includes(event.detail.target?.id)) return
  for (const id of open) document.getElementById(id)?.setAttribute("open", "")
  if (place < 0) return
  const next = cards()[Math.min(place, cards().length - 1)]
  next?.querySelector("input[name=name]").focus({ preventScroll: true })
  place = -1
})
