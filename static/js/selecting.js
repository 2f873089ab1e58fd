// What all lists of things to tick have in common: ranges, long presses, a walk by arrow keys, Escape.
// What is ticked, and what that means, is said by photo-selection.js, picking.js, selection.js and tile-keys.js.

const LONG_PRESS_MS = 450
const STILL_PX = 10 // a finger that moves further scrolls

/** All things from one to another, both included; only the other if the one is not among them. */
export function between(all, one, other) {
  const [from, to] = [all.indexOf(one), all.indexOf(other)].sort((a, b) => a - b)
  return from < 0 ? [other] : all.slice(from, to + 1)
}

/** Shift and a click would also select text. */
export function selectNoText(selector) {
  document.addEventListener("mousedown", (event) => {
    if (event.shiftKey && event.target.closest(selector)) event.preventDefault()
  })
}

/**
 * A finger that rests on something selects it, as phones do it. The click that ends the press means nothing.
 * @param {(target: Element) => Element?} thingAt  what can be pressed there
 * @param {(thing: Element) => void} press
 */
export function onLongPress(thingAt, press) {
  let timer = 0
  let start = null
  let wasLong = false

  function end() {
    clearTimeout(timer)
    start = null
  }

  document.addEventListener("pointerdown", (event) => {
    wasLong = false
    const thing = event.pointerType === "mouse" ? null : thingAt(event.target)
    if (!thing) return
    start = event
    timer = setTimeout(() => {
      wasLong = true
      press(thing)
      navigator.vibrate?.(10)
    }, LONG_PRESS_MS)
  })
  document.addEventListener("pointermove", (event) => {
    if (start && Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > STILL_PX) end()
  })
  for (const kind of ["pointerup", "pointercancel"]) document.addEventListener(kind, end)
  document.addEventListener("click", (event) => {
    if (!wasLong) return
    wasLong = false
    event.preventDefault()
    event.stopPropagation()
  }, { capture: true })
  // A long press would also open the menu of a link.
  document.addEventListener("contextmenu", (event) => {
    if (wasLong || start) event.preventDefault()
  })
}

/** Escape ends a selection, unless it is there to close something that is open. */
export function onEscape(isSelecting, clear) {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open], details.menu[open]")) return
    if (isSelecting()) clear()
  })
}

// A grid is one stop for Tab; from there arrows lead to the others.

/** Make one of them the stop, if none is; those that came since are reached from it. */
export function settleStop(grid, selector) {
  for (const each of grid.querySelectorAll(`${selector}:not([tabindex])`)) each.tabIndex = -1
  if (!grid.querySelector(`${selector}[tabindex="0"]`)) makeStop(grid, selector, grid.querySelector(selector))
}

export function makeStop(grid, selector, stop) {
  for (const each of grid.querySelectorAll(`${selector}[tabindex="0"]`)) each.tabIndex = -1
  if (stop) stop.tabIndex = 0
}

/** Where an arrow, Home or End leads from one of some elements that lie in rows; nothing where there is none. */
export function reachedBy(key, all, from) {
  const place = all.indexOf(from)
  switch (key) {
    case "ArrowLeft": return all[place - 1]
    case "ArrowRight": return all[place + 1]
    case "ArrowUp": return inNextRow(all, from, -1)
    case "ArrowDown": return inNextRow(all, from, 1)
    case "Home": return all[0]
    case "End": return all.at(-1)
    default: return null
  }
}

/** The nearest in the row above (-1) or below (1). */
function inNextRow(all, from, direction) {
  const here = from.getBoundingClientRect()
  const middle = here.left + here.width / 2
  let row = null
  let best = null
  let least = Infinity
  for (let place = all.indexOf(from) + direction; all[place]; place += direction) {
    const box = all[place].getBoundingClientRect()
    const isBeyond = direction > 0 ? box.top >= here.bottom - 2 : box.bottom <= here.top + 2
    if (!isBeyond) continue
    row ??= box.top
    if (Math.abs(box.top - row) > box.height / 2) break
    const distance = Math.abs(box.left + box.width / 2 - middle)
    if (distance < least) [best, least] = [all[place], distance]
  }
  return best
}
