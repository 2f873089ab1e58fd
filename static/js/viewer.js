// The viewer of one photo, on its page or in a dialog over another one: leafs, links faces with their rows, answers in
// place, shows and hides boxes and panel, and knows the way back.

const KEPT = { boxes: "kith-boxes-off", info: "kith-info-off" } // in this browser
const CAME_FROM = "kith-viewer-from"
const A_PHOTO = /^\/photos\/\d+\/$/
const LOOK_AGAIN_MS = 2000
const SWIPE = 40 // pixels that open or close the sheet

let mounted = null
let stage = null
let arrival = 0
const pages = new Map() // address -> the page of a photo, loaded ahead

const viewer = () => document.getElementById("viewer")
const part = (id) => document.getElementById(id)
const isTyping = (target) => target.closest("input:not([type=checkbox], [type=radio]), textarea, select")

// ---------- Coming and going

function mount() {
  const root = viewer()
  if (!root || root === mounted) return
  unmount()
  mounted = root
  isLeaving = false
  show()
  rememberTheWayBack()
  openStage(root)
  lookAgain(root)
}

function unmount() {
  stage?.destroy()
  stage = null
  mounted = null
  pages.clear()
}

document.addEventListener("kith:viewer", mount)
document.addEventListener("kith:viewer-closed", unmount)

const slidesOf = (page) => JSON.parse(page.getElementById("slides")?.textContent ?? "[]")

async function openStage(root) {
  if (!part("shot")?.matches(".shot")) return
  const number = ++arrival
  const element = root.querySelector(".stage")
  const { openStage: open } = await import(root.dataset.stage)
  const opened = await open(element, {
    library: root.dataset.photoswipe,
    styles: root.dataset.photoswipeCss,
    slides: slidesOf(document),
    current: Number(root.dataset.photo),
    onTurn: arrive,
    onZoom: (isZoomed) => root.querySelector("[data-zoom]")?.setAttribute("aria-pressed", String(isZoomed)),
    onLeave: leave,
  })
  if (root !== mounted || number !== arrival) {
    opened.destroy()
    return
  }
  stage = opened
  stage.putBoxes(part("boxes"), element.querySelector("#shot img").alt)
  loadAhead()
}

let isLeaving = false // Escape comes as a key and as the dialog's own wish to close: that is one way back

function leave() {
  if (isLeaving) return
  isLeaving = true
  if (viewer().closest("dialog")) history.back()
  else location.assign(viewer().querySelector("[data-back]").href)
}

function rememberTheWayBack() {
  if (viewer().closest("dialog")) return
  const from = document.referrer && new URL(document.referrer)
  if (from && from.origin === location.origin && !A_PHOTO.test(from.pathname)) {
    sessionStorage.setItem(CAME_FROM, from.pathname + from.search)
  }
  const back = viewer().querySelector("[data-back]")
  const page = sessionStorage.getItem(CAME_FROM)
  const isOurs = page && new URL(page, location.href).origin === location.origin // "//host/" is a path, and a host
  // Only where the server knows no better: the list in the address has its own page.
  if (isOurs && !new URLSearchParams(location.search).has("in")) back.href = `${page}#photo-${viewer().dataset.photo}`
}

// ---------- Leafing

/** The page of a photo, loaded once: answers make the loaded ones outdated. */
function pageOf(address) {
  if (!pages.has(address)) {
    const load = fetch(address, { headers: { Accept: "text/html" } }).then(async (response) => {
      if (!response.ok) throw new Error(response.statusText)
      return new DOMParser().parseFromString(await response.text(), "text/html")
    })
    load.catch(() => pages.delete(address))
    pages.set(address, load)
  }
  return pages.get(address)
}

function loadAhead() {
  for (const link of viewer().querySelectorAll("a[data-turn]")) pageOf(link.href).catch(() => {})
}

let wantedWay = 0 // a turn asked for before it was known what comes there

/** Another photo is on the stage: bring what is beside it. */
async function arrive(slide) {
  const number = ++arrival
  history.replaceState(history.state, "", slide.url)
  viewer().dataset.photo = slide.id
  wantedWay = 0
  part("viewer-says").textContent = ""
  part("boxes")?.remove()
  try {
    const page = await pageOf(new URL(slide.url, location.href).href)
    if (number !== arrival || !stage) return
    if (!page.getElementById("viewer")) throw new Error("signed out")
    fill(page)
  } catch {
    if (number === arrival) location.assign(slide.url)
  }
}

function fill(page) {
  const turned = document.activeElement?.dataset?.turn
  const hadFocus = Boolean(document.activeElement?.closest("#about, #turns, #viewer-bar"))
  for (const id of ["viewer-bar", "turns", "about"]) {
    const fresh = document.importNode(page.getElementById(id), true)
    part(id).replaceWith(fresh)
    window.htmx.process(fresh)
  }
  const shot = page.getElementById("shot")
  const alt = shot.querySelector("img")?.alt ?? shot.textContent.trim()
  if (shot.matches(".shot")) stage.putBoxes(document.importNode(page.getElementById("boxes"), true), alt)
  else stage.putWords(document.importNode(shot, true))
  part("viewer-says").textContent = alt
  document.title = page.title
  stage.learn(slidesOf(page))
  show()
  rememberTheWayBack()
  if (hadFocus) (viewer().querySelector(`[data-turn="${turned}"]`) ?? viewer().querySelector("[data-back]")).focus()
  loadAhead()
  lookAgain(mounted)
  if (wantedWay) stage.turn(wantedWay)
}

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || !mounted) return
  const turn = event.target.closest("a[data-turn]")
  if (turn && stage) {
    event.preventDefault()
    const way = Number(turn.dataset.turn)
    if (!stage.turn(way)) wantedWay = way // its neighbours are on their way
  } else if (turn && turn.closest("dialog")) {
    event.preventDefault()
    replaceWith(turn.href)
  } else if (event.target.closest("[data-back]")?.closest("dialog")) {
    event.preventDefault()
    leave()
  }
})

/** Without a stage, for the photo has no picture yet: bring the whole viewer of another address. */
async function replaceWith(address) {
  const page = await pageOf(address).catch(() => null)
  const fresh = page?.getElementById("viewer")
  if (!fresh) {
    location.assign(address)
    return
  }
  if (new URL(address).pathname !== location.pathname) history.replaceState(history.state, "", address)
  pages.clear()
  const old = viewer()
  unmount()
  old.replaceWith(document.importNode(fresh, true))
  document.title = page.title
  window.htmx.process(viewer())
  mount()
}

// ---------- What workers still do

function isBusy() {
  const menu = document.querySelector("#about details.menu[open], dialog[open] dialog[open], .draw")
  return Boolean(menu || document.hidden || [...document.querySelectorAll("#about input[name=name]")].some((box) => box.value || box.matches(":focus") && box.getAttribute("aria-expanded") === "true"))
}

function lookAgain(root) {
  clearTimeout(lookAgain.timer)
  if (!root || !document.querySelector("#about[data-waiting]")) return
  lookAgain.timer = setTimeout(() => {
    if (root !== mounted) return
    if (isBusy()) {
      lookAgain(root)
    } else if (stage) {
      refresh()
    } else {
      pages.delete(location.href)
      replaceWith(location.href)
    }
  }, LOOK_AGAIN_MS)
}

function refresh() {
  window.htmx.ajax("GET", location.pathname + location.search, {
    source: "#look-again", target: "#about", select: "#about", swap: "morph:outerHTML",
  })
}

// ---------- Boxes and panel

function show() {
  for (const [name, key] of Object.entries(KEPT)) {
    const isOff = localStorage.getItem(key) !== null
    viewer().classList.toggle(`no-${name}`, isOff)
    for (const button of viewer().querySelectorAll(`[data-${name}]`)) {
      button.setAttribute(button.hasAttribute("aria-expanded") ? "aria-expanded" : "aria-pressed", String(!isOff))
    }
  }
}

function keep(name, isOn) {
  if (isOn) localStorage.removeItem(KEPT[name])
  else localStorage.setItem(KEPT[name], "yes")
  show()
}

document.addEventListener("click", (event) => {
  if (!mounted) return
  if (event.target.closest(".sheet-handle") && event.timeStamp - tappedAt < SAME_TAP_MS) return
  for (const name of Object.keys(KEPT)) {
    if (event.target.closest(`[data-${name}]`)) keep(name, localStorage.getItem(KEPT[name]) !== null)
  }
  if (event.target.closest("[data-zoom]")) stage?.toggleZoom()
  if (event.target.closest("[data-key-list]")) part("viewer-keys").showModal()
})

// The sheet of a phone follows the finger's direction; a tap turns it round. Not by its click alone: after a swipe over
// the photo Chromium sends none for the next tap.
const SAME_TAP_MS = 700
let pressedAt = null
let tappedAt = -SAME_TAP_MS
document.addEventListener("pointerdown", (event) => {
  pressedAt = event.target.closest?.(".sheet-handle") ? event.clientY : null
})
document.addEventListener("pointerup", (event) => {
  if (pressedAt === null || !mounted) return
  const way = event.clientY - pressedAt
  pressedAt = null
  if (Math.abs(way) > SWIPE) keep("info", way < 0)
  else if (event.pointerType === "touch") keep("info", localStorage.getItem(KEPT.info) !== null)
  if (event.pointerType === "touch") tappedAt = event.timeStamp
})

// ---------- A face and its row

function light(event) {
  if (!mounted) return
  const pk = event.target.closest?.("[data-face]")?.dataset.face
  for (const element of viewer().querySelectorAll("[data-face]")) {
    element.classList.toggle("lit", element.dataset.face === pk)
  }
}

document.addEventListener("pointerover", light)
document.addEventListener("focusin", light)

// A click on a box goes to what can be done with the face.
document.addEventListener("click", (event) => {
  const box = event.target.closest("#viewer a.box")
  if (!box) return
  event.preventDefault()
  const row = part(`face-${box.dataset.face}`)
  if (!row) return
  keep("info", true)
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches
  row.scrollIntoView({ block: "nearest", behavior: isStill ? "auto" : "smooth" })
  const field = row.querySelector("input:not([type=hidden]), .yes-no button, summary")
  ;(field ?? row).focus({ preventScroll: true })
})

// ---------- Answers in place

let acted = null

document.addEventListener("htmx:beforeRequest", (event) => {
  acted = event.detail.elt.closest(".face-row")?.id
})

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.requestConfig?.verb === "post") pages.clear()
})

document.addEventListener("htmx:afterSettle", (event) => {
  if (!mounted || !["about", "viewer-bar"].includes(event.detail.target?.id)) return
  show()
  rememberTheWayBack()
  stage?.sizeBoxes()
  lookAgain(mounted)
  const isLost = !document.activeElement || document.activeElement === document.body
  if (!acted || !isLost) return
  const row = part(acted)
  const place = row?.checkVisibility() ? row : viewer().querySelector(".face-row")
  place?.focus({ preventScroll: true })
})

// Undo in a toast: here it changes what is beside the photo instead of loading the page again.
document.addEventListener("submit", (event) => {
  const form = event.target.closest("#toasts form")
  if (!form || !mounted) return
  event.preventDefault()
  const values = { ...Object.fromEntries(new FormData(form)), next: location.pathname + location.search }
  form.closest(".toast-k").remove()
  window.htmx.ajax("POST", form.action, {
    source: "#about", target: "#about", select: "#about", swap: "morph:outerHTML", values,
  })
})

// ---------- Keys that press no button

// Escape closes an open menu or list first; keys.js leaves events alone that somebody has dealt with.
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("#viewer details.menu[open]")
  if (!menu) return
  event.preventDefault()
  menu.open = false
  menu.querySelector("summary").focus()
}, { capture: true })

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

document.addEventListener("keydown", (event) => {
  const way = event.shiftKey && WAYS[event.key]
  if (!way || !stage || event.defaultPrevented || isTyping(event.target) || document.body.dataset.keys === "off") return
  if (stage.pan(...way)) event.preventDefault()
}, { capture: true })

mount()
