// Polling fragments (hx-trigger="every ...") rest in hidden tabs, and say so when Kith cannot be reached.

const HIDDEN_TAB_MS = 10_000
const lastPoll = new WeakMap()

const isPolling = (element) => element.getAttribute("hx-trigger")?.includes("every")

// A fragment in a closed dialog has nobody to poll for. An empty one may be about to fill.
const isShown = (element) => element.checkVisibility() || !element.childElementCount

document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt } = event.detail
  if (!isPolling(elt)) return
  if (!document.hidden) {
    if (!isShown(elt)) event.preventDefault()
    return
  }
  const now = Date.now()
  if (now - (lastPoll.get(elt) ?? 0) < HIDDEN_TAB_MS) event.preventDefault()
  else lastPoll.set(elt, now)
})

// A poll that fails comes again by itself; an action that fails must not look as if it had worked.
function report(event) {
  if (isPolling(event.detail.elt)) return
  const detail = gettext("That did not work: Kith did not answer. Please try again.")
  document.dispatchEvent(new CustomEvent("kith:toast", { detail }))
}

document.addEventListener("htmx:sendError", report)
document.addEventListener("htmx:responseError", report)
