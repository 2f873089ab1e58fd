// The grid of unnamed groups: after one is named or hidden, the focus goes on to the one that takes its place.

let place = -1

const cards = () => [...document.querySelectorAll(".group-card")]

document.addEventListener("htmx:beforeRequest", (event) => {
  place = cards().indexOf(event.detail.elt.closest(".group-card"))
})

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id !== "people" || place < 0) return
  const next = cards()[Math.min(place, cards().length - 1)]
  next?.querySelector("input[name=name]").focus({ preventScroll: true })
  place = -1
})
