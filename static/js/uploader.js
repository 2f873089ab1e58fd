// Sends photos with Uppy: one request a file, four at a time. The server decides what each one is:
// stored, a duplicate, or left out with a reason. Loaded by drop.js when somebody wants to upload.

const AT_ONCE = 4
const ADDED_AT_ONCE = 200 // between two frames: a folder of 3,000 must not freeze the page
const STALLED_MS = 120_000 // without progress; the server hashes and decodes before it answers
const JUNK = /(^|\/)(\.|__MACOSX\/|Thumbs\.db$|desktop\.ini$)/i
const PHOTO = /\.(jpe?g|jfif|png|webp|gif|bmp|tiff?|hei[cf]|avif)$/i

// Every failure is on the page, by name; in the console it is only for who looks for it.
const LOGGER = { debug() {}, warn: console.debug, error: console.debug }

const TEXTS = {
  dashboardTitle: gettext("Photos to upload"),
  dropPasteBoth: matchMedia("(hover: none)").matches
    ? gettext("Add photos of this device %{browseFiles} %{browseFolders}")
    : gettext("Drop photos or a folder here %{browseFiles} %{browseFolders}"),
  browseFiles: gettext("Choose photos"),
  browseFolders: gettext("Choose a folder"),
  dropHint: gettext("Drop photos here"),
  addMore: gettext("Add more"),
  xFilesSelected: {
    0: ngettext("%{smart_count} photo", "%{smart_count} photos", 1),
    1: ngettext("%{smart_count} photo", "%{smart_count} photos", 2),
  },
  uploadingXFiles: {
    0: ngettext("Uploading %{smart_count} photo", "Uploading %{smart_count} photos", 1),
    1: ngettext("Uploading %{smart_count} photo", "Uploading %{smart_count} photos", 2),
  },
  filesUploadedOfTotal: {
    0: gettext("%{complete} of %{smart_count} sent"),
    1: gettext("%{complete} of %{smart_count} sent"),
  },
  complete: gettext("All sent"),
  uploadFailed: gettext("Some were not sent"),
  retryUpload: gettext("Send again"),
}

export async function mount(root, { dialog }) {
  addStyles(root.dataset.uppyCss)
  const library = await import(root.dataset.uppy)
  return new Uploader(root, dialog, library)
}

function addStyles(href) {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href })
  document.head.querySelector("link[rel=stylesheet]").after(link) // ours must win: they come later
}

function part(root, name) {
  return root.querySelector(`[data-${name}]`)
}

const topFolder = (path) => (path.includes("/") ? path.split("/")[0] : "")
const isTemporary = (status) => status === 0 || status === 429 || status >= 500
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms) })
const said = (text, n) => interpolate(text, [n.toLocaleString(document.documentElement.lang)])

function csrfHeaders() {
  return JSON.parse(document.body.getAttribute("hx-headers"))
}

class Uploader {
  constructor(root, dialog, { Uppy, Dashboard, XHRUpload }) {
    this.root = root
    this.dialog = dialog
    this.batches = new Map() // album title -> the batch its photos go to
    this.batchOf = new Map() // file id -> that batch
    this.remarks = { unsent: new Map(), rejected: new Map(), duplicate: new Map() }
    this.refused = new Set()
    this.stored = 0
    this.gate = null // while paused: a promise that every next file waits for
    this.uppy = new Uppy({ logger: LOGGER, onBeforeFileAdded: (file) => this.check(file) })
    this.uppy.use(Dashboard, {
      inline: true,
      target: part(root, "files"),
      width: "100%",
      height: 340,
      fileManagerSelectionType: "both",
      note: gettext("JPEG, PNG, WebP, HEIC and more"),
      proudlyDisplayPoweredByUppy: false,
      hideUploadButton: true, // what is added is sent
      disableInformer: true, // one message per failed file; our lists name them all
      doneButtonHandler: null,
      thumbnailWidth: 160,
      locale: { strings: TEXTS },
    })
    this.uppy.use(XHRUpload, {
      endpoint: (file) => this.address(file),
      headers: csrfHeaders,
      allowedMetaFields: ["name"],
      limit: AT_ONCE,
      timeout: STALLED_MS,
      shouldRetry: (xhr) => isTemporary(xhr.status),
      // A restart of the server is not the photos' fault: they wait for it.
      onBeforeRequest: (xhr, retryCount) => (retryCount ? this.serverAnswers() : undefined),
      onAfterResponse: (xhr) => {
        if (xhr.status >= 400) throw new Error(messageOf(xhr))
      },
    })
    this.announced = Promise.resolve()
    this.uppy.addPreProcessor((ids) => this.announce(ids))
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
      await sleep(0)
    }
  }

  /** Files chosen with the Dashboard's buttons come the same way as dropped ones. */
  takeChosen(event) {
    const input = event.target
    if (!input.matches("input[type=file]")) return
    event.stopPropagation() // Uppy would add them all in one go
    this.add([...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })))
    input.value = "" // the same files can be chosen again
  }

  startSoon() {
    clearTimeout(this.starting)
    this.starting = setTimeout(() => {
      this.uppy.upload().catch((error) => this.say(error.message))
    }, 100)
  }

  /** Called by Uppy for each file: keep it under its path, or leave it out. */
  check(file) {
    const path = (file.meta.relativePath || file.name).replace(/^\//, "")
    if (JUNK.test(path)) return false
    if (!PHOTO.test(path) && !file.type?.startsWith("image/")) {
      this.remark("rejected", path, { reason: gettext("is not a photo Kith can read") })
      return false
    }
    return { ...file, meta: { ...file.meta, name: path } }
  }

  // ---------- Batches

  /** Tell the server which photos are coming. In turn: two announcements at once would open two batches. */
  announce(ids) {
    const turn = this.announced.then(() => this.open(ids))
    this.announced = turn.catch(() => {})
    return turn
  }

  /** Open or enlarge one batch an album. */
  async open(ids) {
    const fresh = ids.filter((id) => !this.batchOf.has(id))
    for (const [title, files] of Object.entries(Object.groupBy(fresh, (id) => this.albumOf(id)))) {
      const batch = this.batches.get(title) ?? { title, expected: 0 }
      this.batches.set(title, batch)
      batch.expected += files.length
      for (const id of files) this.batchOf.set(id, batch)
      await this.tellExpected(batch)
    }
  }

  albumOf(id) {
    return part(this.root, "album").value.trim() || topFolder(this.uppy.getFile(id).meta.name)
  }

  /** Open the batch, or correct how many photos it waits for. Goes on trying while the server is away. */
  async tellExpected(batch) {
    const { title, expected } = batch
    for (;;) {
      const answer = await fetch(batch.expect_url ?? this.root.dataset.batchesUrl, {
        method: "POST",
        headers: csrfHeaders(),
        body: new URLSearchParams({ title, expected }),
      }).catch(() => ({ ok: false, status: 0 }))
      if (answer.ok) {
        if (!batch.expect_url) this.show(Object.assign(batch, await answer.json()))
        return
      }
      if (!isTemporary(answer.status)) {
        this.uppy.cancelAll()
        throw new Error(answer.status === 401 || answer.status === 403
          ? gettext("Sign in again, then add the photos once more.")
          : gettext("Kith does not take these photos. Reload the page and try again."))
      }
      await sleep(1000)
      await this.serverAnswers()
    }
  }

  async serverAnswers() {
    const { healthUrl } = this.root.dataset
    const asks = () => fetch(healthUrl, { cache: "no-store" }).then((answer) => answer.ok, () => false)
    while (!(await asks())) {
      this.say(gettext("Kith does not answer. The upload goes on when it does."))
      await sleep(3000)
    }
  }

  /** Put the batch's card here, and on the timeline if we are over it. */
  show(batch) {
    const card = document.createElement("div")
    part(this.root, "batches").append(card)
    window.htmx.ajax("GET", batch.card_url, { target: card, swap: "outerHTML" })
    const timeline = document.getElementById("batch-slot")
    if (timeline) window.htmx.ajax("GET", batch.card_url, { target: timeline, swap: "innerHTML" })
    if (this.batches.size === 1) part(this.root, "see").href = batch.url
    else part(this.root, "see").href = this.root.dataset.timelineUrl
  }

  async address(file) {
    await this.gate?.promise
    return this.batchOf.get(file.id)?.upload_url // none: it was cancelled while it waited
  }

  // ---------- What becomes of them

  listen() {
    const { uppy } = this
    part(this.root, "files").addEventListener("change", (event) => this.takeChosen(event), { capture: true })
    uppy.on("files-added", () => this.startSoon())
    uppy.on("upload-success", (file, { body }) => {
      if (body.outcome === "duplicate") this.remark("duplicate", file.meta.name, { url: body.url })
      else this.stored += 1
      this.remarks.unsent.delete(file.meta.name)
      this.render()
    })
    uppy.on("upload-error", (file, error, xhr) => {
      if (!file) return
      const isRefused = xhr?.status && !isTemporary(xhr.status)
      this.remark(isRefused ? "rejected" : "unsent", file.meta.name, { reason: reasonIn(error.message, file.meta.name) })
      if (isRefused) setTimeout(() => this.drop(file)) // after Uppy has noted the error
    })
    uppy.on("restriction-failed", (file, error) => {
      if (error.message.includes("already exists")) this.say(gettext("Some of these are in the list already."))
    })
    uppy.on("file-removed", (file) => this.forget(file))
    uppy.on("cancel-all", () => this.resume())
    uppy.on("complete", () => this.finish())
    uppy.on("upload", () => this.render())
    uppy.on("progress", () => this.renderChip())
    part(this.root, "pause").addEventListener("click", () => (this.gate ? this.resume() : this.pause()))
    addEventListener("beforeunload", (event) => {
      if (this.isSending()) event.preventDefault() // asks whether to leave
    })
    this.dialog?.addEventListener("close", () => this.renderChip())
  }

  /** A file taken back before it was sent: its batch must not wait for it. */
  forget(file) {
    const batch = this.batchOf.get(file.id)
    this.batchOf.delete(file.id)
    if (!batch || file.progress.uploadComplete || this.refused.has(file.id)) return
    batch.expected -= 1
    clearTimeout(batch.correction) // cancelling 3,000 files is one correction
    batch.correction = setTimeout(() => { if (batch.expect_url) this.tellExpected(batch) }, 300)
  }

  /** A file the server will never take: out of Uppy's list, or "Retry" would send it again. */
  drop(file) {
    this.refused.add(file.id)
    if (this.uppy.getFile(file.id)) this.uppy.removeFile(file.id)
    if (!this.remarks.unsent.size) this.uppy.setState({ error: null })
  }

  finish() {
    this.render()
    document.body.dispatchEvent(new CustomEvent("photos-changed"))
  }

  // ---------- Pause

  pause() {
    this.gate = Promise.withResolvers()
    this.render()
  }

  resume() {
    this.gate?.resolve()
    this.gate = null
    this.render()
  }

  isSending() {
    return Object.keys(this.uppy.getState().currentUploads).length > 0 && !this.gate
  }

  // ---------- What the page says

  remark(kind, name, { url, reason }) {
    this.remarks[kind].set(name, { url, reason })
    this.render()
  }

  say(text) {
    part(this.root, "state").hidden = false
    part(this.root, "summary").textContent = text
  }

  /** Redraw our part of the page, at most a few times a second: 3,000 files may end at once. */
  render() {
    this.rendering ??= setTimeout(() => {
      this.rendering = undefined
      const { unsent, rejected, duplicate } = this.remarks
      const isRunning = Object.keys(this.uppy.getState().currentUploads).length > 0
      // Uppy's list scrolls; without this the keyboard could not reach what is below.
      this.root.querySelector(".uppy-Dashboard-files")?.setAttribute("tabindex", "0")
      this.list("unsent", said(ngettext("%s photo was not sent", "%s photos were not sent", unsent.size), unsent.size))
      this.list("rejected", said(gettext("%s left out"), rejected.size))
      this.list("duplicate", said(gettext("%s already in your library"), duplicate.size))
      const pause = part(this.root, "pause")
      pause.hidden = !isRunning
      pause.textContent = this.gate ? gettext("Resume") : gettext("Pause")
      part(this.root, "see").hidden = isRunning || !this.batches.size
      const parts = [
        this.stored && said(gettext("%s added"), this.stored),
        duplicate.size && said(ngettext("%s duplicate", "%s duplicates", duplicate.size), duplicate.size),
        rejected.size && said(gettext("%s left out"), rejected.size),
        unsent.size && said(gettext("%s not sent"), unsent.size),
      ].filter(Boolean)
      if (parts.length || isRunning) this.say((this.gate ? `${gettext("Paused.")} ` : "") + parts.join(", "))
      this.renderChip()
    }, 250)
  }

  list(kind, title) {
    const box = this.root.querySelector(`[data-remarks=${kind}]`)
    const entries = this.remarks[kind]
    box.hidden = !entries.size
    const list = box.querySelector("ul")
    const shown = list.childElementCount
    if (shown === entries.size) return
    box.querySelector("summary").textContent = title
    if (entries.size < shown) list.replaceChildren() // some were sent after all: begin again
    const rows = [...entries].slice(list.childElementCount).map(([name, remark]) => row(name, remark))
    list.append(...rows)
  }

  /** Outside the dialog: a small line that says how far it is and opens it again. */
  renderChip() {
    if (!this.dialog) return
    const isNeeded = !this.dialog.open && this.isSending()
    if (!isNeeded) {
      this.chip?.remove()
      this.chip = undefined
      return
    }
    if (!this.chip) {
      this.chip = document.createElement("button")
      this.chip.className = "toast-k upload-chip"
      this.chip.append(document.createElement("span"), Object.assign(document.createElement("progress"), { className: "bar", max: 100 }))
      this.chip.querySelector("progress").setAttribute("aria-label", gettext("Upload"))
      this.chip.addEventListener("click", () => this.dialog.showModal())
      document.body.append(this.chip)
    }
    const files = this.uppy.getFiles()
    const sent = files.filter((file) => file.progress.uploadComplete).length
    this.chip.firstChild.textContent = interpolate(gettext("Uploading %(sent)s of %(all)s"), { sent, all: files.length }, true)
    this.chip.lastChild.value = this.uppy.getState().totalProgress
  }
}

function row(name, { url, reason }) {
  const item = document.createElement("li")
  const title = document.createElement("span")
  title.textContent = name
  item.append(title)
  if (url) {
    item.append(Object.assign(document.createElement("a"), { href: url, textContent: gettext("Open") }))
  } else {
    item.append(Object.assign(document.createElement("span"), { className: "muted", textContent: reason }))
  }
  return item
}

/** The server's sentence starts with the file's name; in a list under that name it is said once. */
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
