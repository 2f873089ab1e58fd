// The timeline: marks the year in view, and holds a refresh back when it would lose the reader's place.

const months = document.getElementById("months")
const notice = document.getElementById("new-photos")
const years = document.querySelectorAll(".scrub a[data-year]")

// "photos-changed" replaces the first page. With further pages read, that would take them away.
let pagesRead = 1
months?.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.requestConfig?.elt?.id === "older") pagesRead += 1
})
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt !== months || pagesRead === 1) return
  event.preventDefault()
  if (notice) notice.hidden = false
})

function markYear() {
  const top = document.querySelector(".appbar").offsetHeight + 1
  const current = [...document.querySelectorAll(".month")].findLast(
    (month) => month.getBoundingClientRect().top <= top + 120,
  ) ?? document.querySelector(".month")
  for (const link of years) {
    if (link.dataset.year === current?.dataset.year) link.setAttribute("aria-current", "true")
    else link.removeAttribute("aria-current")
  }
}

if (years.length) {
  let asked = false
  const soon = () => {
    if (asked) return
    asked = true
    requestAnimationFrame(() => { asked = false; markYear() })
  }
  addEventListener("scroll", soon, { passive: true })
  markYear()
}
