// The number beside "Review" in the navigation follows what happens on the page: an answer somewhere else than in the
// queue (which brings the number itself), and a page that comes back after a while.

const SOON_MS = 300
const LATER_MS = 5_000 // the worker has ranked the questions anew by then

const address = document.querySelector("[data-count-url]")?.dataset.countUrl
let timers = []

// Not by htmx: signed out, it would load the whole page again.
async function look() {
  const reply = await fetch(address).catch(() => null)
  if (!reply?.ok || reply.redirected) return
  const template = document.createElement("template")
  template.innerHTML = await reply.text()
  const pill = template.content.querySelector(".pill")
  for (const old of document.querySelectorAll(".appnav .pill, .tabbar .pill")) if (pill) old.replaceWith(pill.cloneNode(true))
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
