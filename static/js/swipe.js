// A swipe on a card answers it: <... data-swipes> with buttons data-swipe="right" and data-swipe="left".
// It counts only if it is mostly sideways from its beginning and goes a third of the way across; anything else scrolls.

const DECIDES_PX = 14 // until the direction is clear
const SHARE = 0.33 // of the card's width
const EDGE_PX = 24 // at the screen's edge a swipe is the browser's own Back
const LEARNT = 3 // after so many swipes the hint goes

let drag = null // {card, id, x, y, isSideways, dx}

const buttonFor = (card, dx) => card.querySelector(`[data-swipe="${dx > 0 ? "right" : "left"}"]`)
const needed = (card) => Math.max(96, card.offsetWidth * SHARE)

document.addEventListener("pointerdown", (event) => {
  if (event.pointerType === "mouse" || !event.isPrimary) return
  const card = event.target.closest(".question:has([data-swipes])")
  if (!card || event.target.closest(".answers, .others, a.tag, input:not([type=checkbox])")) return
  if (event.clientX < EDGE_PX || event.clientX > innerWidth - EDGE_PX) return
  drag = { card, id: event.pointerId, x: event.clientX, y: event.clientY, dx: 0, isSideways: false }
})

document.addEventListener("pointermove", (event) => {
  if (drag?.id !== event.pointerId) return
  const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y]
  if (!drag.isSideways) {
    if (Math.hypot(dx, dy) < DECIDES_PX) return
    if (Math.abs(dx) < 2 * Math.abs(dy)) {
      drag = null // scrolling
      return
    }
    drag.isSideways = true
  }
  drag.dx = dx
  show()
})

document.addEventListener("pointerup", (event) => {
  if (drag?.id !== event.pointerId) return
  const { card, dx, isSideways } = drag
  clear()
  if (!isSideways) return
  swallowClick()
  const button = buttonFor(card, dx)
  if (Math.abs(dx) < needed(card) || !button || button.disabled) return
  localStorage.setItem("kith-swipes", String(Number(localStorage.getItem("kith-swipes")) + 1))
  button.click()
})

document.addEventListener("pointercancel", clear)

/** The card follows the finger and says what letting go would answer. */
function show() {
  const { card, dx } = drag
  const button = buttonFor(card, dx)
  const isEnough = Math.abs(dx) >= needed(card) && !button?.disabled
  card.style.setProperty("--swipe", `${Math.round(dx)}px`)
  card.classList.add("swiping")
  let flag = card.querySelector(".swipe-flag")
  if (!flag) {
    flag = document.createElement("span")
    flag.setAttribute("aria-hidden", "true")
    card.append(flag)
  }
  flag.className = `swipe-flag ${dx > 0 ? "yes" : "no"}${isEnough ? " enough" : ""}`
  flag.textContent = [...button.childNodes].filter((node) => node.nodeName !== "KBD").map((node) => node.textContent).join("").trim()
}

function clear() {
  if (!drag) return
  drag.card.style.removeProperty("--swipe")
  drag.card.classList.remove("swiping")
  drag.card.querySelector(".swipe-flag")?.remove()
  drag = null
}

/** The finger was lifted over a face: that is no tick. */
function swallowClick() {
  const swallow = (event) => {
    if (!event.isTrusted) return
    event.preventDefault()
    event.stopPropagation()
  }
  document.addEventListener("click", swallow, { capture: true, once: true })
  setTimeout(() => document.removeEventListener("click", swallow, { capture: true }), 300)
}

document.addEventListener("kith:card", () => {
  const isLearnt = Number(localStorage.getItem("kith-swipes")) >= LEARNT
  for (const hint of document.querySelectorAll(".swipe-hint")) hint.hidden = isLearnt
})
