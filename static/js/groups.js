// Grids of people and groups: after one is named or hidden, the focus goes on to the one that takes its place, and what
// was unfolded stays so.

let place = -1
let kind = ""
let open = []

const cards = () => [...document.querySelectorAll(kind)]

document.addEventListener("htmx:beforeRequest", (event) => {
  const source = event.detail.requestConfig.triggeringEvent?.submitter ?? event.detail.elt
  const card = source.closest(".group-card, .people-grid > li, .hidden-list > li, .same")
  kind = [".group-card", ".people-grid > li", ".hidden-list > li", ".same"].find((each) => card?.matches(each)) ?? ""
  place = kind ? cards().indexOf(card) : -1
  open = [...document.querySelectorAll("details.fold[id][open]")].map((fold) => fold.id)
})

document.addEventListener("htmx:afterSwap", (event) => {
  if (!["people", "question"].includes(event.detail.target?.id)) return
  for (const id of open) document.getElementById(id)?.setAttribute("open", "")
  if (place < 0) return
  const next = cards()[Math.min(place, cards().length - 1)]
  next?.querySelector(".name-box input, a, button")?.focus({ preventScroll: true })
  place = -1
})
