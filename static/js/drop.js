// Makes every page a drop target and opens the uploader, which is loaded when it is first needed:
// on the upload page in its place, elsewhere in a dialog.

const root = document.querySelector(".uploader")
const dialog = document.getElementById("upload-dialog")
const cover = document.getElementById("drop-target")
let loading

function uploader() {
  loading ??= import(root.dataset.uploader).then((module) => module.mount(root, { dialog })).catch((error) => {
    loading = undefined
    document.documentElement.classList.add("plain") // the form without JavaScript still works
    throw error
  })
  return loading
}

function openDialog() {
  if (dialog && !dialog.open) dialog.showModal()
}

// ---------- Buttons

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-open-uploader]")
  if (!button || !dialog || event.ctrlKey || event.metaKey || event.shiftKey) return
  event.preventDefault()
  openDialog()
  uploader().catch(() => location.assign(button.href))
})

if (root && !dialog) uploader().catch(console.error) // the upload page itself

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
  openDialog()
  const files = entries.length ? await filesOf(entries) : loose.map((file) => ({ file, path: file.name }))
  ;(await uploader()).add(files)
}, { capture: true }) // before Uppy's own drop zone, so that there is one way in

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
