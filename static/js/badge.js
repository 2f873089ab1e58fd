// The number beside "Review" in the navigation follows what happens on the page: an answer somewhere else than in the
// queue (which brings the number itself), and a page that comes back after a while.

const SOON_MS = 300
const LATER_MS = 5_000 // the worker has ranked the questions anew by then

const pill = document.querySelector("[data-count-url] .pill")
const address = pill?.closest("[data-count-url]").dataset.countUrl
let timers = []

function look() {
  window.htmx.ajax("GET", address, { source: document.body, target: document.body, swap: "none" })
}

function lookSoon() {
  timers.forEach(clearTimeout)
  timers = [setTimeout(look, SOON_MS), setTimeout(look, LATER_MS)]
}

if (address) {
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful && event.detail.requestConfig.verb !== "get") lookSoon()
  })
  document.addEventListener("visibilitychange", () => { if (!document.hidden) lookSoon() })
  addEventListener("pageshow", (event) => { if (event.persisted) lookSoon() })
}
