// Single keys. A page offers one by printing it and putting data-key="y" (or "shift+u") on what it presses.
// So a key works only where it can be seen, and the page needs no script of its own.
// Several elements may share a key: the last visible one gets it (a toast's Undo over the page's).
//
// "?" lists the keys of the page as it stands, by data-key-label, or else by what the element is called. Keys that
// press nothing are listed by <span data-key-name="X" data-key-label="...">.
// Settings switch single keys off: <body data-keys="off"> (WCAG 2.1.4). Ctrl Z is no single key.

const areOff = () => document.body.dataset.keys === "off"
const list = document.querySelector("[data-key-list]")

function isTyping(target) {
  return target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]")
}

/** The key's name as pages write it: "y", "?", "Escape", "shift+u". With Caps Lock a letter is the same key. */
function nameOf({ key, shiftKey }) {
  if (key.length !== 1) return key
  const isShifted = shiftKey && key.toLowerCase() !== key.toUpperCase() // "?" needs Shift on most keyboards
  return isShifted ? `shift+${key.toLowerCase()}` : key.toLowerCase()
}

function offered(name) {
  const offers = [...document.querySelectorAll(`[data-key="${CSS.escape(name)}"]`)]
  const scope = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document // the innermost
  return offers.filter((element) => scope.contains(element) && element.checkVisibility()).at(-1)
}

function press(element) {
  if (element.matches("input, textarea")) {
    element.focus()
    element.select()
  } else {
    element.click()
  }
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || event.repeat || isTyping(event.target)) return
  const hasControl = event.ctrlKey || event.metaKey
  if (hasControl ? event.key.toLowerCase() !== "z" : areOff()) return
  const element = offered(hasControl ? (event.shiftKey ? "shift+u" : "u") : nameOf(event))
  if (element) {
    event.preventDefault() // otherwise "/" would also be typed into the search box it focuses
    press(element)
  } else if (event.key === "?" && list && !document.querySelector("dialog[open]")) {
    event.preventDefault()
    openList()
  }
})

// ---------- The list

function wordsOf(element) {
  if (element.dataset.keyLabel) return element.dataset.keyLabel
  if (element.ariaLabel) return element.ariaLabel
  const copy = element.cloneNode(true)
  copy.querySelectorAll("kbd").forEach((key) => key.remove())
  return copy.textContent.trim().replace(/\s+/g, " ") || element.placeholder || ""
}

const printed = (name) => name.split("+").map((part) => part[0].toUpperCase() + part.slice(1)).join(" ")

function fillList() {
  const rows = new Map()
  for (const element of document.querySelectorAll("[data-key]")) {
    if (element.checkVisibility()) rows.set(printed(element.dataset.key), wordsOf(element))
  }
  for (const { dataset } of document.querySelectorAll("[data-key-name]")) rows.set(dataset.keyName, dataset.keyLabel)
  rows.set("?", list.dataset.itself)
  list.replaceChildren(...[...rows].flatMap(([name, words]) => row(name, words)))
}

function row(name, words) {
  const [term, meaning] = [document.createElement("dt"), document.createElement("dd")]
  for (const part of name.split(" ")) {
    const key = document.createElement("kbd")
    key.textContent = part
    term.append(key)
  }
  meaning.textContent = words
  return [term, meaning]
}

function openList() {
  fillList()
  list.closest("dialog").showModal()
}

// A button that opens it (menus.js does): filled before.
document.addEventListener("click", (event) => {
  if (list && event.target.closest("[data-open-dialog=keys]")) fillList()
}, { capture: true })
