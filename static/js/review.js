// The review queue. The question after the one on screen came with it, so an answer shows it at once and is sent behind
// it. If the answer does not arrive, its card comes back as it was left, with a sentence; each card has a name under
// which the server takes one answer only, so giving it again is safe.
//
// Tells other scripts of a card that is on the page now: "kith:card".

const QUIET_MS = 200 // after a new question: a key pressed twice must not answer a question nobody has read
const KEPT_MS = 120_000 // a question made ready longer ago may have been settled elsewhere
const LONGEST_MS = 20_000 // until an answer counts as lost

let upcoming = null // {card, since}
let sending = null // of the answer under way: whether it was taken
let isUndoing = false
let quietUntil = 0

const region = () => document.getElementById("question")
const cardShown = () => region()?.querySelector(".question")
const keyOf = (card) => card.elements.key.value
const isTyping = (target) => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")

// ---------- Cards

/** Take the upcoming question out of the page; its pictures begin to load. */
function takeUpcoming() {
  const template = region()?.querySelector("template[data-upcoming]")
  const card = template && document.importNode(template.content, true).querySelector(".question")
  upcoming = card ? { card, since: performance.now() } : null
  template?.remove()
}

function isUsable(answer) {
  if (!upcoming || performance.now() - upcoming.since > KEPT_MS) return false
  // The next screen about somebody who was skipped is skipped, too.
  return answer.get("answer") !== "skip" || keyOf(upcoming.card) !== answer.get("key")
}

/** What follows when another question is on the page: nothing pressed by mistake, and the reader is told of it. */
function arrive() {
  quietUntil = performance.now() + QUIET_MS
  const heading = document.getElementById("q")
  heading?.focus({ preventScroll: true })
  heading?.scrollIntoView({ block: "nearest" })
  announce()
}

function announce() {
  const heading = document.getElementById("q")
  if (heading) document.title = `${heading.innerText} - Kith`
  document.dispatchEvent(new CustomEvent("kith:card", { detail: cardShown() }))
}

function goTo(address, { isNew }) {
  if (!address || address === location.pathname + location.search) return
  if (isNew) history.pushState({ review: true }, "", address)
  else history.replaceState({ review: true }, "", address)
}

// ---------- Answering

document.addEventListener("submit", (event) => {
  const form = event.target.closest("#question form.question")
  if (!form) return
  event.preventDefault()
  answer(form, event.submitter)
})

async function answer(form, submitter) {
  if ("answered" in form.dataset || isUndoing) return
  const data = new FormData(form, submitter)
  form.dataset.answered = ""
  setNotice(form, "")
  if (sending) { // the answer before this one is still under way
    form.setAttribute("aria-busy", "true")
    const isTaken = await sending
    if (!isTaken || !form.isConnected) return
  }
  const next = isUsable(data) ? upcoming.card : null
  upcoming = null
  data.set("showing", next ? keyOf(next) : "")
  document.querySelector("#toasts .toast-k")?.remove() // its Undo is of an older answer
  if (next) {
    data.set("showing-shown", new FormData(next).getAll("shown").join(","))
    data.set("showing-counted", next.elements.counted.value)
    form.replaceWith(next)
    form.removeAttribute("aria-busy")
    goTo(next.dataset.url, { isNew: true })
    arrive()
  } else {
    form.setAttribute("aria-busy", "true")
  }
  const ours = send(data, form, next)
  sending = ours
  await ours
  if (sending === ours) sending = null
}

/** Send an answer; return whether it was taken. */
async function send(data, form, next) {
  const words = region().dataset
  let reply
  let html
  try {
    reply = await fetch(form.action, {
      method: "POST", body: data, headers: { "X-CSRFToken": data.get("csrfmiddlewaretoken") }, signal: AbortSignal.timeout(LONGEST_MS),
    })
    html = await reply.text()
  } catch {
    return giveBack(form, next, words.lost)
  }
  if (reply.status === 404) return goOn(words.gone)
  if (reply.status === 422) return giveBack(form, next, refusalIn(html) ?? words.failed)
  if ([401, 403].includes(reply.status) || reply.redirected) return giveBack(form, next, words.signedOut)
  if (!reply.ok) return giveBack(form, next, words.failed)
  receive(html, form, next)
  return true
}

/** Put the card that was answered back, as it was left. */
function giveBack(form, next, sentence) {
  if (next?.isConnected) {
    delete next.dataset.answered
    next.removeAttribute("aria-busy")
    next.replaceWith(form)
    upcoming = { card: next, since: performance.now() }
  }
  delete form.dataset.answered
  form.removeAttribute("aria-busy")
  if (!form.isConnected) return false // the user went elsewhere
  setNotice(form, sentence)
  goTo(form.dataset.url, { isNew: false })
  arrive()
  return false
}

/** The question is no more: go on with the next one. */
function goOn(sentence) {
  load(region().dataset.here).then(() => document.dispatchEvent(new CustomEvent("kith:toast", { detail: sentence })))
  return false
}

function refusalIn(html) {
  return parsed(html).querySelector("[data-refusal]")?.textContent
}

function setNotice(form, sentence) {
  form.querySelector(".not-saved")?.remove()
  if (!sentence) return
  const notice = document.createElement("p")
  notice.className = "notice no not-saved"
  notice.setAttribute("role", "alert")
  notice.textContent = sentence
  form.querySelector("header").after(notice)
}

function parsed(html) {
  const template = document.createElement("template")
  template.innerHTML = html
  return document.importNode(template.content, true)
}

/** Take the reply: it leaves the card on screen alone if that is still right. */
function receive(html, form, next) {
  const reply = parsed(html)
  const part = reply.querySelector("#question")
  if (next && !next.isConnected) {
    takeAround(reply)
    return // the user went elsewhere meanwhile
  }
  if (next && "keeps" in part.dataset) {
    takeQueue(part)
    region().querySelectorAll("template[data-upcoming]").forEach((old) => old.remove())
    region().append(...part.querySelectorAll("template[data-upcoming]"))
    takeUpcoming()
  } else {
    region().replaceWith(part)
    window.htmx.process(part)
    takeUpcoming()
    goTo(cardShown()?.dataset.url ?? part.dataset.here, { isNew: !next })
    arrive()
  }
  takeAround(reply)
}

function takeQueue(part) {
  const [old, queue] = [region().querySelector(".queue"), part.querySelector(".queue")]
  const key = old.contains(document.activeElement) && document.activeElement.dataset.key
  old.replaceWith(queue)
  window.htmx.process(queue)
  if (key) queue.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus()
}

/** The message with its Undo, and the numbers in the navigation and on the tabs of a person. */
function takeAround(reply) {
  const toasts = reply.querySelector("#toasts")
  if (toasts) document.getElementById("toasts").replaceChildren(...toasts.childNodes)
  const tabs = reply.querySelector("#person-tabs")
  tabs?.removeAttribute("hx-swap-oob")
  if (tabs) document.getElementById("person-tabs")?.replaceWith(tabs)
  const pill = [...reply.children].find((element) => element.matches(".pill"))
  if (!pill) return
  pill.removeAttribute("hx-swap-oob")
  for (const old of document.querySelectorAll(".appnav .pill, .tabbar .pill")) old.replaceWith(pill.cloneNode(true))
}

// ---------- Undo, and the way back

// Undo waits for the answer it is about. In a toast it puts the question back in place instead of loading the page again.
document.addEventListener("submit", (event) => {
  const form = event.target
  const isToasts = form.matches("#toasts form")
  if (!region() || (!isToasts && !form.matches("#question .queue form"))) return
  if (sending) {
    event.preventDefault()
    event.stopImmediatePropagation()
    const { action } = form
    sending.then((isTaken) => {
      // The line above the question came anew with the reply.
      if (isTaken) setTimeout(() => document.querySelector(`.queue form[action="${new URL(action).pathname}"]`)?.requestSubmit())
    })
  } else if (isToasts) {
    event.preventDefault()
    form.closest(".toast-k").remove()
    window.htmx.ajax("POST", form.action, {
      source: "#main", target: "#question", swap: "outerHTML", values: Object.fromEntries(new FormData(form)),
    })
  }
}, { capture: true })

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target?.id === "question" && event.detail.requestConfig.verb === "post") isUndoing = true
})
document.addEventListener("htmx:afterRequest", () => { isUndoing = false })

function load(address) {
  upcoming = null
  return window.htmx.ajax("GET", address, { source: "#main", target: "#question", swap: "outerHTML" })
}

let isTurning = false

addEventListener("popstate", async () => {
  if (!region()) return
  if (sending) await sending
  isTurning = true
  load(location.pathname + location.search)
})

document.addEventListener("click", (event) => {
  const link = event.target.closest("#question [data-go-on]")
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return
  event.preventDefault()
  isTurning = true
  load(link.href).then(() => goTo(cardShown()?.dataset.url, { isNew: true }))
})

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id !== "question") return
  takeUpcoming()
  const isAnswer = event.detail.requestConfig.verb === "post"
  if (isAnswer) goTo(cardShown()?.dataset.url, { isNew: true })
  if (isAnswer || isTurning) arrive()
  else announce() // a poll must not take the focus
  isTurning = false
})

// ---------- Keys that press nothing

// Before keys.js hears of it: in the capture phase.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
  if (document.querySelector("dialog[open]")) return
  const isPlain = event.key.length === 1 && event.key !== " "
  if (isPlain && performance.now() < quietUntil) event.preventDefault() // keys.js leaves such events alone
}, { capture: true })

addEventListener("pageshow", (event) => {
  if (event.persisted && region()) load(location.pathname + location.search) // the browser kept an old page
})

takeUpcoming()
goTo(cardShown()?.dataset.url, { isNew: false })
announce()
