// Sends photos with Uppy: one request a file, four at a time. The server decides what each one is:
// stored, a duplicate, or left out with a reason. Loaded by drop.js when somebody wants to upload.

import { carryPages } from "./carrying.js"
import { written } from "./numbers.js"
import { Batches, Refused, csrfHeaders, isArchive, isTemporary } from "./upload-batches.js"
import { UploadChip } from "./upload-chip.js"
import { UploadList } from "./upload-list.js"

const AT_ONCE = 4
const ADDED_AT_ONCE = 100 // between two frames: a folder of 3,000 must not freeze the page
const STALLED_MS = 120_000 // without progress; the server hashes and decodes before it answers
const SPOKEN_EVERY_MS = 10_000
const JUNK = /(^|\/)(\.|__MACOSX\/|Thumbs\.db$|desktop\.ini$)/i
const PHOTO = /\.(jpe?g|jfif|png|webp|gif|bmp|tiff?|hei[cf]|avif)$/i

// Every failure is on the page, by name; in the console it is only for who looks for it.
const LOGGER = { debug() {}, warn: console.debug, error: console.debug }

export async function mount(root, { dialog }) {
  const [library] = await Promise.all([import(root.dataset.uppy), styled(root.dataset.css)])
  const uploader = new Uploader(root, dialog, library)
  root.dataset.ready = ""
  return uploader
}

/** Wait for our stylesheet, unless the page has it. */
function styled(href) {
  if (document.querySelector(`link[href="${href}"]`)) return undefined
  return new Promise((resolve) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href, onload: resolve, onerror: resolve })
    document.head.append(link)
  })
}

function part(root, name) {
  return root.querySelector(`[data-${name}]`)
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms) })
const said = (text, number) => interpolate(text, [written(number)])

class Uploader {
  constructor(root, dialog, { Uppy, XHRUpload }) {
    this.root = root
    this.dialog = dialog
    this.gate = null // while paused: a promise that every next file waits for
    this.moving = new Set() // ids of files whose bytes move
    this.list = new UploadList(root, { retry: (id) => this.retry(id), remove: (id) => this.remove([id]) })
    this.batches = new Batches(root, this)
    this.uppy = new Uppy({ logger: LOGGER, onBeforeFileAdded: (file) => this.check(file) })
    this.uppy.use(XHRUpload, {
      endpoint: (file) => this.address(file),
      headers: csrfHeaders,
      allowedMetaFields: ["name"],
      limit: AT_ONCE,
      timeout: STALLED_MS,
      shouldRetry: (xhr) => isTemporary(xhr.status),
      // A restart of the server is not the photos' fault: they wait for it.
      onBeforeRequest: (xhr, retryCount) => (retryCount ? this.batches.serverAnswers() : undefined),
      onAfterResponse: (xhr) => {
        if (xhr.status >= 400) throw new Error(messageOf(xhr))
      },
    })
    this.uppy.addPreProcessor((ids) => this.announce(ids))
    this.chip = new UploadChip(() => this.open())
    this.carrier = carryPages(() => this.isSending())
    this.listen()
  }

  // ---------- What comes in

  /** Take files that were dropped or chosen: a list of {file, path}. */
  async add(files) {
    for (let start = 0; start < files.length; start += ADDED_AT_ONCE) {
      this.uppy.addFiles(files.slice(start, start + ADDED_AT_ONCE).map(({ file, path }) => ({
        source: "drop",
        name: file.name,
        type: file.type,
        data: file,
        meta: { relativePath: path.includes("/") ? path : null },
      })))
      await pause(0)
    }
  }

  /** Called by Uppy for each file: keep it under its path, or leave it out. */
  check(file) {
    const path = (file.meta.relativePath || file.name).replace(/^\//, "")
    if (JUNK.test(path)) return false
    if (!PHOTO.test(path) && !isArchive(path) && !file.type?.startsWith("image/")) {
      this.list.add(file.id, path, null)
      this.list.set(file.id, "rejected", { reason: gettext("is not a photo Kith can read") })
      this.render()
      return false
    }
    return { ...file, meta: { ...file.meta, name: path } }
  }

  startSoon() {
    clearTimeout(this.starting)
    this.starting = setTimeout(() => {
      this.uppy.upload().catch((error) => this.say(error.message))
    }, 100)
  }

  async announce(ids) {
    const files = ids.map((id) => ({ id, name: this.uppy.getFile(id).meta.name }))
    try {
      await this.batches.announce(files)
    } catch (error) {
      if (error instanceof Refused) this.uppy.cancelAll()
      throw error
    }
  }

  async address(file) {
    await this.gate?.promise
    const address = this.batches.addressFor(file.id)
    if (address) {
      this.moving.add(file.id)
      this.list.set(file.id, "sending", { percent: 0 })
    }
    return address
  }

  // ---------- What becomes of them

  listen() {
    const { uppy, list } = this
    uppy.on("file-added", (file) => list.add(file.id, file.meta.name, file.data))
    uppy.on("files-added", () => this.startSoon())
    uppy.on("upload-progress", (file, { bytesUploaded, bytesTotal }) => {
      if (!this.moving.has(file.id)) return
      list.set(file.id, "sending", { percent: bytesTotal ? (100 * bytesUploaded) / bytesTotal : 0 })
      this.render()
    })
    uppy.on("upload-success", (file, { body }) => this.arrived(file.id, body))
    uppy.on("upload-error", (file, error, xhr) => { if (file) this.failed(file, error, xhr) })
    uppy.on("restriction-failed", (file, error) => {
      if (error.message.includes("already exists")) this.say(gettext("Some of these are in the list already."))
    })
    uppy.on("file-removed", (file) => this.forget(file))
    uppy.on("complete", () => this.finish())
    uppy.on("upload", () => this.render())
    part(this.root, "pause").addEventListener("click", () => (this.gate ? this.resume() : this.pause()))
    part(this.root, "cancel").addEventListener("click", () => this.cancel())
    part(this.root, "retry-all").addEventListener("click", () => this.uppy.retryAll().catch(() => {}))
    addEventListener("beforeunload", (event) => {
      if (this.isSending()) event.preventDefault() // asks whether to leave
    })
    this.dialog?.addEventListener("close", () => this.renderChip())
  }

  arrived(id, { outcome, url, note }) {
    this.moving.delete(id)
    this.list.set(id, outcome, { url: outcome === "duplicate" ? url : "", reason: note })
    this.render()
  }

  failed(file, error, xhr) {
    this.moving.delete(file.id)
    const isRefused = xhr?.status && !isTemporary(xhr.status) && xhr.status !== 403
    const reason = reasonIn(error.message, file.meta.name)
    this.list.set(file.id, isRefused ? "rejected" : "unsent", { reason })
    // Out of Uppy's list, after it has noted the error: "Retry" would send it again.
    if (isRefused) setTimeout(() => { if (this.uppy.getFile(file.id)) this.uppy.removeFile(file.id) })
    this.render()
  }

  /** A file is no longer on Uppy's list: it was taken back, or refused for good. */
  forget(file) {
    this.moving.delete(file.id)
    if (["waiting", "sending", "unsent"].includes(this.list.stateOf(file.id))) {
      this.list.set(file.id, "cancelled")
      this.batches.forget(file.id)
    }
    this.render()
  }

  finish() {
    this.moving.clear()
    this.render()
    this.carrier.shown.body.dispatchEvent(new CustomEvent("photos-changed"))
  }

  // ---------- Pause, cancel, retry

  pause() {
    this.gate = Promise.withResolvers()
    this.batches.hold("paused")
    this.render()
  }

  resume() {
    this.gate?.resolve()
    this.gate = null
    this.batches.hold("running")
    this.render()
  }

  /** Send no more of them. What has arrived stays, and so does what the server only has to answer. */
  cancel() {
    const isSent = ({ bytesUploaded, bytesTotal }) => Boolean(bytesUploaded) && bytesUploaded >= bytesTotal
    const unsent = this.uppy.getFiles().filter(({ progress }) => !progress.uploadComplete && !isSent(progress))
    this.remove(unsent.map(({ id }) => id))
    if (this.gate) this.resume()
  }

  remove(ids) {
    this.uppy.removeFiles(ids.filter((id) => this.uppy.getFile(id)))
  }

  retry(id) {
    this.list.set(id, "waiting")
    this.uppy.retryUpload(id).catch(() => {}) // the row says it
  }

  isRunning() {
    return Object.keys(this.uppy.getState().currentUploads).length > 0
  }

  isSending() {
    return this.moving.size > 0 || (this.isRunning() && !this.gate)
  }

  // ---------- What the page says

  /** Say how far it is. Aloud, for who does not see it, but not with every photo. */
  say(text) {
    part(this.root, "state").hidden = false
    const summary = part(this.root, "summary")
    if (summary.textContent === text) return
    const isDue = !this.isRunning() || performance.now() > (this.spoke ?? 0) + SPOKEN_EVERY_MS
    if (isDue) this.spoke = performance.now()
    summary.setAttribute("aria-live", isDue ? "polite" : "off")
    summary.textContent = text
  }

  /** Redraw our part of the page, at most a few times a second: 3,000 files may end at once. */
  render() {
    this.rendering ??= setTimeout(() => {
      this.rendering = undefined
      const isRunning = this.isRunning()
      this.root.classList.toggle("is-used", this.list.items.size > 0)
      const stop = part(this.root, "pause")
      stop.hidden = part(this.root, "cancel").hidden = !isRunning
      stop.textContent = this.gate ? gettext("Resume") : gettext("Pause")
      part(this.root, "retry-all").hidden = isRunning || !this.list.number("unsent")
      const see = part(this.root, "see")
      see.hidden = isRunning || !this.batches.batches.size
      see.href = this.batches.address
      const bar = part(this.root, "total")
      bar.hidden = !isRunning
      bar.value = this.uppy.getState().totalProgress
      if (this.list.items.size) this.say(this.summary(isRunning))
      this.renderChip()
    }, 250)
  }

  summary(isRunning) {
    const { list } = this
    const [stored, archives, duplicates, rejected, unsent] =
      ["stored", "archive", "duplicate", "rejected", "unsent"].map((state) => list.number(state))
    const parts = [
      stored && said(gettext("%s added"), stored),
      archives && said(ngettext("%s ZIP file", "%s ZIP files", archives), archives),
      duplicates && said(ngettext("%s duplicate", "%s duplicates", duplicates), duplicates),
      rejected && said(gettext("%s left out"), rejected),
      unsent && said(gettext("%s not sent"), unsent),
    ].filter(Boolean).join(", ")
    if (!isRunning) return parts || gettext("Nothing was sent")
    const left = said(gettext("%s to go"), list.number("waiting", "sending"))
    return [this.gate ? `${gettext("Paused.")} ${left}` : left, parts].filter(Boolean).join(", ")
  }

  renderChip() {
    const isSeen = this.dialog ? this.dialog.open : !document.body.classList.contains("carried")
    const isRunning = this.isRunning()
    if (isSeen || !(isRunning || this.list.number("unsent"))) return this.chip.hide()
    const all = this.list.items.size
    const left = this.list.number("waiting", "sending", "unsent")
    const words = this.gate ? gettext("Paused, %(sent)s of %(all)s") : gettext("Uploading %(sent)s of %(all)s")
    this.chip.show(
      isRunning
        ? interpolate(words, { sent: all - left, all }, true)
        : said(ngettext("%s photo was not sent", "%s photos were not sent", left), left),
      this.uppy.getState().totalProgress,
    )
  }

  /** Show the uploader, wherever one is. */
  open() {
    if (!this.dialog) this.carrier.showOwn()
    else if (!this.dialog.open) this.dialog.showModal()
    this.renderChip()
  }
}

/** The server's sentence starts with the file's name; in a row of that name it is said once. */
function reasonIn(message, name) {
  return message.startsWith(`${name} `) ? message.slice(name.length + 1).replace(/\.$/, "") : message
}

function messageOf(xhr) {
  try {
    return JSON.parse(xhr.responseText).message
  } catch {
    return xhr.status === 403 ? gettext("Sign in again, then retry") : gettext("Kith did not answer")
  }
}
