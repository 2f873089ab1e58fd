// Toasts leave after ten seconds, but never while somebody points at them or is in them.
// Other scripts show one with: document.dispatchEvent(new CustomEvent("kith:toast", {detail: "text"}))

const STAYS_MS = 10_000
const region = document.getElementById("toasts")

function watch(toast) {
  let timer
  const start = () => { timer = setTimeout(() => toast.remove(), STAYS_MS) }
  const stop = () => clearTimeout(timer)
  toast.addEventListener("pointerenter", stop)
  toast.addEventListener("pointerleave", start)
  toast.addEventListener("focusin", stop)
  toast.addEventListener("focusout", start)
  toast.querySelector("[data-toast-close]")?.addEventListener("click", () => toast.remove())
  start()
}

function show(text) {
  const toast = document.createElement("div")
  toast.className = "toast-k"
  toast.textContent = text
  region.replaceChildren(toast) // one at a time
}

if (region) {
  region.querySelectorAll(".toast-k").forEach(watch)
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) {
        // The morph extension makes htmx put the region of an answer into ours instead of what is in it.
        if (node.id === region.id) node.replaceWith(...node.childNodes)
        else if (node.matches?.(".toast-k")) watch(node)
      }
    }
  }).observe(region, { childList: true })
  // The extension that morphs makes htmx put in a part out of band with its wrapper, where only what it holds is meant.
  document.addEventListener("htmx:oobAfterSwap", () => {
    const wrapper = region.querySelector("#toasts")
    if (wrapper) region.replaceChildren(...wrapper.children)
  })
  document.addEventListener("kith:toast", (event) => show(event.detail))
}
