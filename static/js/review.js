// The review queue: what single keys cannot do by pressing a button, and where the focus goes.

const QUIET_MS = 200 // after a swap: a key pressed twice must not answer a question nobody has read
let swappedAt = -QUIET_MS
let pointedAt = null

const isTyping = (target) => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")

// Before keys.js hears of it: in the capture phase.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
  if (document.querySelector("dialog[open]")) return
  const isPlain = event.key.length === 1 && event.key !== " "
  if (isPlain && performance.now() - swappedAt < QUIET_MS) {
    event.preventDefault() // keys.js leaves such events alone
  } else if (event.key.toLowerCase() === "x" && !event.repeat) {
    untick(event)
  }
}, { capture: true })

function untick(event) {
  if (localStorage.getItem("kith-keys-off")) return
  const tile = document.activeElement?.closest(".tile") ?? pointedAt?.closest("#question .tile")
  const box = tile?.querySelector("input[name=faces]")
  if (!box) return
  event.preventDefault()
  box.click()
}

document.addEventListener("pointerover", (event) => { pointedAt = event.target })

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id !== "question") return
  const isAnswer = event.detail.requestConfig.verb === "post"
  if (!isAnswer) return // a poll must not take the focus
  swappedAt = performance.now()
  pointedAt = null
  const heading = document.getElementById("q")
  heading?.focus({ preventScroll: true })
  heading?.scrollIntoView({ block: "nearest" })
  document.title = `${heading?.innerText ?? gettext("Review")} - Kith`
})

// Undo in a toast: here it puts the question back in place instead of loading the page again.
document.addEventListener("submit", (event) => {
  const form = event.target.closest("#toasts form")
  if (!form) return
  event.preventDefault()
  form.closest(".toast-k").remove()
  window.htmx.ajax("POST", form.action, {
    source: "#main", target: "#question", swap: "outerHTML", values: Object.fromEntries(new FormData(form)),
  })
})
