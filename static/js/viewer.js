// The viewer of one photo: links faces with their rows, shows and hides boxes and panel, and knows the way back.

const KEPT = { boxes: "kith-boxes-off", info: "kith-info-off" } // in this browser
const CAME_FROM = "kith-viewer-from"
const A_PHOTO = /^\/photos\/\d+\/$/

const viewer = () => document.getElementById("viewer")

// ---------- Boxes and panel

function show() {
  for (const [name, key] of Object.entries(KEPT)) {
    const isOff = localStorage.getItem(key) !== null
    viewer().classList.toggle(`no-${name}`, isOff)
    viewer().querySelector(`[data-${name}]`)?.setAttribute("aria-pressed", String(!isOff))
  }
}

document.addEventListener("click", (event) => {
  for (const [name, key] of Object.entries(KEPT)) {
    if (!event.target.closest(`[data-${name}]`)) continue
    if (localStorage.getItem(key)) localStorage.removeItem(key)
    else localStorage.setItem(key, "yes")
    show()
  }
})

// ---------- A face and its row

function light(event) {
  const pk = event.target.closest?.("[data-face]")?.dataset.face
  for (const element of viewer().querySelectorAll("[data-face]")) {
    element.classList.toggle("lit", element.dataset.face === pk)
  }
}

document.addEventListener("pointerover", light)
document.addEventListener("focusin", light)

// A click on a box goes to what can be done with the face.
document.addEventListener("click", (event) => {
  const box = event.target.closest("a.box")
  if (!box) return
  event.preventDefault()
  const row = document.getElementById(`face-${box.dataset.face}`)
  localStorage.removeItem(KEPT.info)
  show()
  row.scrollIntoView({ block: "nearest", behavior: "smooth" })
  const field = row.querySelector("input:not([type=hidden]), .yes-no button, summary")
  ;(field ?? row).focus({ preventScroll: true })
})

// ---------- Answers in place

let acted = null

document.addEventListener("htmx:beforeRequest", (event) => {
  acted = event.detail.elt.closest(".face-row")?.id
})

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id !== "viewer") return
  show()
  const isLost = !document.activeElement || document.activeElement === document.body
  if (!acted || !isLost) return
  const row = document.getElementById(acted)
  const place = row?.checkVisibility() ? row : viewer().querySelector(".face-row")
  place?.focus({ preventScroll: true })
})

// ---------- The way back

// Escape closes an open menu or list first; keys.js leaves events alone that somebody has dealt with.
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]")
  if (!menu) return
  event.preventDefault()
  menu.open = false
  menu.querySelector("summary").focus()
}, { capture: true })

function rememberTheWayBack() {
  const from = document.referrer && new URL(document.referrer)
  if (from && from.origin === location.origin && !A_PHOTO.test(from.pathname)) {
    sessionStorage.setItem(CAME_FROM, from.pathname + from.search)
  }
  const back = viewer().querySelector("[data-back]")
  const page = sessionStorage.getItem(CAME_FROM)
  if (page) back.href = `${page}#photo-${viewer().dataset.photo}`
}

show()
rememberTheWayBack()
