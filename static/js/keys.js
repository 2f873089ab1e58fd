// Single keys. A page offers one by printing it and putting data-key="y" (or "shift+u") on what it presses.
// So a key works only where it can be seen, and the page needs no script of its own.
// Several elements may share a key: the last visible one gets it (a toast's Undo over the page's).

const OFF = "kith-keys-off" // Settings can switch single keys off in this browser (WCAG 2.1.4).

function isTyping(target) {
  return target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]")
}

/** The key's name as pages write it: "y", "?", "Escape", "shift+u". With Caps Lock a letter is the same key. */
function nameOf({ key, shiftKey }) {
  if (key.length !== 1) return key
  const isShifted = shiftKey && key.toLowerCase() !== key.toUpperCase() // "?" needs Shift on most keyboards
  return isShifted ? `shift+${key.toLowerCase()}` : key.toLowerCase()
}

function wanted(event) {
  const name = nameOf(event)
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
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return
  if (isTyping(event.target) || localStorage.getItem(OFF)) return
  const element = wanted(event)
  if (!element) return
  event.preventDefault() // otherwise "/" would also be typed into the search box it focuses
  press(element)
})

// Settings: the checkbox that switches them off.
const choice = document.querySelector("[data-keys-choice]")
if (choice) {
  choice.checked = !localStorage.getItem(OFF)
  choice.addEventListener("change", () => {
    if (choice.checked) localStorage.removeItem(OFF)
    else localStorage.setItem(OFF, "yes")
  })
}
