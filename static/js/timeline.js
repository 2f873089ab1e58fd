// A grid of photos: more of them in both directions, the slider over its months, and the way back to the same place.

const grid = document.getElementById("months")
const notice = document.getElementById("new-photos")
const scrubber = document.getElementById("scrubber")
const JUST_SCROLLED_MS = 1500

// "photos-changed" replaces the first page. With further pages read, that would take them away.
let isFirstPage = true
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, requestConfig } = event.detail
  if (elt !== grid || requestConfig.verb !== "get" || requestConfig.triggeringEvent?.type !== "photos-changed") return
  if (isFirstPage && !document.body.matches(".has-selection, .is-selecting")) return
  event.preventDefault()
  if (notice) notice.hidden = false
})

// Pages before and after

// What is put in above must not push away what is read: the browser's own way to see to that is off meanwhile.
let kept = null
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id !== "newer") return
  const month = detail.target.parentElement.querySelector(".month")
  kept = { month, top: month.getBoundingClientRect().top }
  document.documentElement.classList.add("holds-still")
})
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.requestConfig?.elt?.id === "older") isFirstPage = false
  if (!kept) return
  isFirstPage = false
  const before = kept.month.previousElementSibling
  if (before?.dataset.month === kept.month.dataset.month) {
    kept.month.classList.add("is-continued")
    kept.month.removeAttribute("aria-labelledby") // one part of a month bears its name
  }
  scrollBy(0, kept.month.getBoundingClientRect().top - kept.top)
  kept = null
  requestAnimationFrame(() => document.documentElement.classList.remove("holds-still"))
})

function reachUp() {
  const newer = document.getElementById("newer")
  if (newer && newer.getBoundingClientRect().bottom > -600) htmx.trigger(newer, "reached")
}
let lastY = scrollY
// Where the page is at its top already, turning the wheel scrolls nothing.
addEventListener("wheel", ({ deltaY }) => { if (deltaY < 0) reachUp() }, { passive: true })

// Back from a photo: the address leads to the same place, also when the browser did not keep the page.
grid?.addEventListener("click", (event) => {
  const tile = event.target.closest(".rows > li > a")?.parentElement
  if (!tile || event.defaultPrevented || isFirstPage || !grid.dataset.placeUrl) return
  history.replaceState(history.state, "", `${grid.dataset.placeUrl}at=${tile.id.replace("photo-", "")}`)
})
const at = new URLSearchParams(location.search).get("at")
if (at) document.getElementById(`photo-${at}`)?.scrollIntoView({ block: "center" })

// The slider

const months = [...(scrubber?.querySelectorAll("#scrub-months option") ?? [])]
const slider = scrubber?.querySelector(".scrub-slider")
const bubble = scrubber?.querySelector(".scrub-bubble")

function monthInView() {
  const top = document.querySelector(".appbar").offsetHeight + 120
  const all = [...grid.querySelectorAll(".month")]
  return all.findLast((month) => month.getBoundingClientRect().top <= top) ?? all[0]
}

function mark() {
  const month = monthInView()
  if (!month) return
  const place = months.findIndex((option) => option.value === month.dataset.month)
  if (place >= 0 && !scrubber.classList.contains("is-dragged")) setPlace(place)
  for (const year of scrubber.querySelectorAll("[data-year]")) {
    const isCurrent = month.dataset.month.startsWith(`${year.dataset.year}-`)
    year.classList.toggle("is-current", isCurrent)
    const link = year.querySelector("a")
    if (isCurrent) link?.setAttribute("aria-current", "true")
    else link?.removeAttribute("aria-current")
  }
}

function setPlace(place) {
  slider.value = place
  slider.setAttribute("aria-valuetext", months[place].textContent)
  bubble.textContent = months[place].textContent
  const share = months.length > 1 ? place / (months.length - 1) : 0
  bubble.style.top = `${share * 100}%`
}

function go(place) {
  const url = `${grid.dataset.placeUrl}to=${months[place].value}`
  htmx.ajax("GET", url, { target: "#months", swap: "innerHTML" }).then(() => {
    isFirstPage = false
    history.replaceState(history.state, "", url)
    const bar = document.querySelector(".appbar").offsetHeight
    const month = grid.querySelector(".month")
    if (month) scrollTo(0, month.getBoundingClientRect().top + scrollY - bar)
    lastY = scrollY
    reachUp()
  })
}

let hiding
function showHandle() {
  scrubber?.classList.add("is-shown")
  clearTimeout(hiding)
  hiding = setTimeout(() => scrubber?.classList.remove("is-shown"), JUST_SCROLLED_MS)
}

if (slider && grid) {
  slider.hidden = false
  scrubber.querySelector(".scrub-years").inert = true // the slider does all that its links do
  scrubber.classList.add("has-slider")
  const drag = (on) => { scrubber.classList.toggle("is-dragged", on); bubble.hidden = !on }
  slider.addEventListener("input", () => { drag(true); setPlace(Number(slider.value)); showHandle() })
  slider.addEventListener("change", () => { const place = Number(slider.value); drag(false); go(place) })
  slider.addEventListener("focus", () => { if (slider.matches(":focus-visible")) bubble.hidden = false })
  slider.addEventListener("blur", () => drag(false))
  mark()
}

let asked = false
addEventListener("scroll", () => {
  if (asked) return
  asked = true
  requestAnimationFrame(() => {
    asked = false
    if (scrollY < lastY) reachUp()
    lastY = scrollY
    if (slider && grid) mark()
    showHandle()
  })
}, { passive: true })
