// Makes every page a drop target and opens the uploader, which is loaded when it is first needed:
// on the upload page in its place, elsewhere in a dialog.

const root = document.querySelector(".uploader")
const dialog = document.getElementById("upload-dialog")
const cover = document.getElementById("drop-target")
let loading

// This page may itself be in a frame of a page that is sending (carrying.js): then that one does it.
const host = window.parent !== window ? window.parent.kithUploader : undefined

function uploader() {
  if (host) return host
  loading ??= import(root.dataset.uploader).then((module) => module.mount(root, { dialog })).catch((error) => {
    loading = undefined
    document.documentElement.classList.add("plain") // the form without JavaScript still works
    throw error
  })
  window.kithUploader = loading
  return loading
}

function openDialog() {
  if (host) host.then((it) => it.open())
  else if (dialog && !dialog.open) dialog.showModal()
}

/** Take files of the page: opened first, so that one sees that something happens. */
async function take(files) {
  openDialog()
  ;(await uploader()).add(await files)
}

// ---------- Buttons

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-open-uploader]")
  if (!button || !(dialog || host) || event.ctrlKey || event.metaKey || event.shiftKey) return
  event.preventDefault()
  openDialog()
  uploader().catch(() => location.assign(button.href))
})

if (root && !dialog) { // the upload page itself
  root.hidden = Boolean(host)
  document.querySelector("[data-elsewhere]").hidden = !host
  uploader().catch(console.error)
}

function takeChosen(input) {
  const files = [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }))
  input.value = "" // the same files can be chosen again
  if (files.length) take(files)
}

const inputs = root?.querySelectorAll("input[type=file]") ?? []
for (const input of inputs) {
  if (input.webkitdirectory === undefined && input.hasAttribute("webkitdirectory")) input.closest("label").hidden = true
  input.addEventListener("change", () => takeChosen(input))
  takeChosen(input) // somebody was faster than this script
}

// ---------- Dropping

// A page may take dropped files itself: as an event of the name its cover bears. Not while the uploader is open.
const pageTakes = () => !dialog?.open && cover.dataset.takes

const hasFiles = (event) => event.dataTransfer?.types.includes("Files")

document.addEventListener("dragenter", (event) => {
  if (!hasFiles(event) || cover.matches(":popover-open")) return
  cover.showPopover() // a popover lies above an open dialog, too
  if (!pageTakes()) uploader().catch(() => {})
})

cover.addEventListener("dragleave", () => cover.hidePopover())

document.addEventListener("dragover", (event) => {
  if (hasFiles(event)) event.preventDefault() // "this can be dropped here"
})

document.addEventListener("drop", async (event) => {
  if (!hasFiles(event)) return
  event.preventDefault()
  cover.hidePopover()
  if (pageTakes()) {
    const detail = [...event.dataTransfer.files]
    if (detail.length) document.dispatchEvent(new CustomEvent(pageTakes(), { detail }))
    return
  }
  // The browser empties dataTransfer when this handler first awaits: take the entries now.
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean)
  const loose = [...event.dataTransfer.files]
  take(entries.length ? filesOf(entries) : loose.map((file) => ({ file, path: file.name })))
})

async function filesOf(entries) {
  const found = []
  for (const entry of entries) await collect(entry, found)
  return found
}

async function collect(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)))
    if (file) found.push({ file, path: entry.fullPath.replace(/^\//, "") })
    return
  }
  const reader = entry.createReader()
  for (;;) {
    // A reader hands out at most 100 entries at a time, and an empty list at the end.
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])))
    if (!some.length) return
    for (const child of some) await collect(child, found)
  }
}
