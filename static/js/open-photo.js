// Opens a photo over the page it is shown on: the viewer of its own page (templates/people/_viewer.html), in a dialog.
// The page below stays as it is, and Back leads to it. The address is the photo's, so a reload gives the photo's page.
// static/js/viewer.js does the rest; it and its styles are loaded with the first photo.

const A_PHOTO = /^\/photos\/\d+\/$/

let dialog = null
let opener = null // what was clicked
let titleBelow = ""
let asked = 0

const isPhotoPage = () => Boolean(document.querySelector("main #viewer"))
const isPhoto = (address) => A_PHOTO.test(new URL(address, location.href).pathname)

// On window: listeners of the page, for one those that select, come first and may have dealt with the click.
window.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
  const link = event.target.closest?.("a[href]")
  if (!link || link.target || link.hasAttribute("download") || link.closest("#viewer")) return
  if (link.origin !== location.origin || !isPhoto(link.href) || isPhotoPage()) return
  event.preventDefault()
  opener = link
  open(link.href, { isNew: true })
})

window.addEventListener("popstate", (event) => {
  if (isPhotoPage()) {
    // This page was loaded anew where a dialog had been: what comes before it is gone.
    if (!document.querySelector("main #viewer[data-photo]") || !isPhoto(location.href)) location.reload()
  } else if (event.state?.viewer) {
    open(location.href, { isNew: false })
  } else if (dialog?.open) {
    shut()
  }
})

// Back from a photo that was reloaded loads this page anew, and the browser has lost the place by then.
addEventListener("pageshow", () => {
  const opened = history.state?.opened
  if (opened) document.getElementById(opened)?.scrollIntoView({ block: "nearest" })
})

async function open(address, { isNew }) {
  const number = ++asked
  const show = showEmpty()
  try {
    const response = await fetch(address, { headers: { Accept: "text/html" } })
    const page = new DOMParser().parseFromString(await response.text(), "text/html")
    const viewer = page.getElementById("viewer")
    if (!response.ok || !viewer) throw new Error("no photo")
    await addStyles(page)
    if (number !== asked) return
    if (isNew) {
      history.replaceState({ ...history.state, opened: opener.closest("li[id]")?.id }, "")
      history.pushState({ viewer: true }, "", address)
    }
    show(viewer, page.title)
    await Promise.all([...page.querySelectorAll("script[type=module][src]")].map((script) => import(script.getAttribute("src"))))
    document.dispatchEvent(new CustomEvent("kith:viewer"))
  } catch {
    location.assign(address) // signed out, deleted, or something is wrong: the page itself says what
  }
}

/** Open the dialog, still dark; return how it is filled. */
function showEmpty() {
  dialog ??= makeDialog()
  if (!dialog.open) {
    titleBelow = document.title
    dialog.replaceChildren()
    dialog.append(document.getElementById("toasts")) // what is outside of an open dialog cannot be pressed
    dialog.showModal()
  }
  return (viewer, title) => {
    dialog.querySelector("#viewer")?.remove()
    dialog.prepend(document.adoptNode(viewer))
    document.title = title
    window.htmx.process(viewer)
    viewer.querySelector("[data-back]").focus()
  }
}

function makeDialog() {
  const made = document.createElement("dialog")
  made.className = "viewer-dialog"
  made.id = "viewer-dialog"
  made.setAttribute("aria-label", document.body.dataset.viewerName)
  made.addEventListener("cancel", (event) => {
    if (event.target !== made) return
    event.preventDefault() // keys.js presses Back; with single keys switched off, we do
    made.querySelector("[data-back]")?.click()
  })
  document.body.append(made)
  return made
}

function shut() {
  asked += 1
  document.dispatchEvent(new CustomEvent("kith:viewer-closed"))
  const last = dialog.querySelector("#viewer")?.dataset.photo
  document.body.append(document.getElementById("toasts"))
  dialog.close()
  dialog.replaceChildren()
  document.title = titleBelow
  const tile = document.querySelector(`#photo-${last} a`) ?? opener
  tile?.scrollIntoView({ block: "nearest" })
  tile?.focus({ preventScroll: true })
}

/** Add styles of the photo's page that this one lacks, and wait for them. */
function addStyles(page) {
  const here = new Set([...document.querySelectorAll("link[rel=stylesheet]")].map((link) => link.getAttribute("href")))
  const missing = [...page.querySelectorAll("link[rel=stylesheet]")].filter((link) => !here.has(link.getAttribute("href")))
  return Promise.all(missing.map((link) => new Promise((resolve) => {
    const added = Object.assign(document.createElement("link"), { rel: "stylesheet", onload: resolve, onerror: resolve })
    added.href = link.getAttribute("href")
    document.head.append(added)
  })))
}
