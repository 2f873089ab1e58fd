// The files of the uploader, a row each: what it looks like, how far it is and what became of it, in words.
// Rows are kept by the uploader's id of a file: two folders may both have an IMG_1.jpg.

import { written } from "./numbers.js"

const ROWS_A_FRAME = 100 // 3,000 rows must not freeze the page
const THUMBNAIL_HEIGHT = 80 // pixels: 40 at double density
const LARGEST_DRAWN = 60e6 // bytes; decoding more only for a thumbnail costs too much
const FOLLOW_MS = 1000

export class UploadList {
  /** @param {{retry: (id: string) => void, remove: (id: string) => void}} acts */
  constructor(root, acts) {
    this.list = root.querySelector("[data-list]")
    this.template = root.querySelector("template[data-row]")
    this.filters = root.querySelector("[data-filters]")
    this.items = new Map() // id -> {id, name, blob, state, percent, reason, url, row}
    this.counts = {}
    this.unbuilt = []
    this.changed = new Set()
    this.toDraw = []
    this.seen = new IntersectionObserver((entries) => this.draw(entries), { root: this.list })
    this.list.addEventListener("click", (event) => {
      const row = event.target.closest("li")
      if (event.target.closest("[data-retry]")) acts.retry(row.dataset.id)
      if (event.target.closest("[data-remove]")) acts.remove(row.dataset.id)
    })
    for (const type of ["wheel", "pointerdown", "keydown"]) {
      this.list.addEventListener(type, () => { this.isRead = true }, { passive: true }) // its reader leads from now on
    }
    this.filters.addEventListener("click", (event) => this.filter(event.target.closest("button")))
  }

  /** Show a file that waits. One that is there already begins anew. */
  add(id, name, blob) {
    const known = this.items.get(id)
    if (known) {
      this.set(id, "waiting")
      return
    }
    const item = { id, name, blob, state: "waiting" }
    this.items.set(id, item)
    this.count("waiting", 1)
    this.unbuilt.push(item)
    this.renderSoon()
  }

  set(id, state, { percent, reason, url } = {}) {
    const item = this.items.get(id)
    if (!item) return
    this.count(item.state, -1)
    this.count(state, 1)
    Object.assign(item, { state, percent, reason, url })
    this.changed.add(item)
    this.renderSoon()
  }

  stateOf(id) {
    return this.items.get(id)?.state
  }

  number(...states) {
    return states.reduce((sum, state) => sum + (this.counts[state] ?? 0), 0)
  }

  count(state, by) {
    this.counts[state] = (this.counts[state] ?? 0) + by
  }

  // ---------- Drawing

  renderSoon() {
    this.rendering ??= requestAnimationFrame(() => {
      this.rendering = undefined
      this.render()
    })
  }

  render() {
    const rows = this.unbuilt.splice(0, ROWS_A_FRAME).map((item) => this.build(item))
    this.list.append(...rows)
    for (const item of this.changed) if (item.row) this.write(item)
    this.changed.clear()
    this.list.hidden = !this.items.size
    this.renderFilters()
    this.follow()
    if (this.unbuilt.length) this.renderSoon()
  }

  build(item) {
    const row = this.template.content.firstElementChild.cloneNode(true)
    item.row = row
    row.dataset.id = item.id
    const cut = item.name.lastIndexOf("/") + 1
    row.querySelector("[data-name]").textContent = item.name.slice(cut)
    row.querySelector("[data-folder]").textContent = item.name.slice(0, cut)
    row.querySelector("[data-retry]").setAttribute("aria-label", `${gettext("Retry")}: ${item.name}`)
    row.querySelector("[data-remove]").setAttribute("aria-label", `${gettext("Do not send")}: ${item.name}`)
    this.write(item)
    this.seen.observe(row)
    return row
  }

  write(item) {
    const { row, state } = item
    row.dataset.state = state
    row.querySelector("[data-what]").textContent = wordsOf(item)
    const bar = row.querySelector("progress")
    bar.hidden = state !== "sending"
    bar.value = item.percent ?? 0
    row.querySelector("[data-retry]").hidden = state !== "unsent"
    row.querySelector("[data-remove]").hidden = !["waiting", "sending", "unsent"].includes(state)
    const link = row.querySelector("a")
    link.hidden = !item.url
    if (item.url) link.href = item.url
  }

  /** While nobody reads in the list, it shows what is being sent. */
  follow() {
    if (this.isRead || this.followed > performance.now() - FOLLOW_MS) return
    this.followed = performance.now()
    const first = this.list.querySelector("[data-state=sending]")
    if (!first && !this.number("waiting")) this.list.scrollTop = 0
    if (first) this.list.scrollTop = first.offsetTop - this.list.offsetTop - first.offsetHeight
  }

  // ---------- Only some of them

  filter(button) {
    if (!button) return
    this.isRead = true
    this.list.dataset.only = button.dataset.only
    for (const other of this.filters.querySelectorAll("button")) {
      other.setAttribute("aria-pressed", String(other === button))
      other.classList.toggle("on", other === button)
    }
  }

  renderFilters() {
    const some = ["unsent", "rejected", "duplicate"].filter((state) => this.number(state))
    this.filters.hidden = !some.length
    for (const button of this.filters.querySelectorAll("button")) {
      const state = button.dataset.only
      button.hidden = Boolean(state) && !some.includes(state)
      button.querySelector("[data-count]").textContent = written(state ? this.number(state) : this.items.size)
      if (button.hidden && this.list.dataset.only === state) this.filter(this.filters.querySelector("button"))
    }
  }

  // ---------- Thumbnails, of the rows one can see

  draw(entries) {
    for (const { isIntersecting, target } of entries) {
      const item = this.items.get(target.dataset.id)
      if (!isIntersecting || !item?.blob) continue
      this.seen.unobserve(target)
      if (item.blob.type.startsWith("image/") && item.blob.size < LARGEST_DRAWN) this.toDraw.push(item)
    }
    this.drawing ??= this.drawNext().finally(() => { this.drawing = undefined })
  }

  async drawNext() {
    for (let item = this.toDraw.shift(); item; item = this.toDraw.shift()) {
      const options = { resizeHeight: THUMBNAIL_HEIGHT, resizeQuality: "medium" }
      const picture = await createImageBitmap(item.blob, options).catch(() => null) // HEIC: not every browser reads it
      if (!picture) continue
      const canvas = Object.assign(document.createElement("canvas"), { width: picture.width, height: picture.height })
      canvas.getContext("bitmaprenderer").transferFromImageBitmap(picture)
      canvas.setAttribute("aria-hidden", "true")
      item.row.querySelector("[data-thumbnail]").replaceChildren(canvas)
    }
  }
}

/** What is said about a file. */
function wordsOf({ state, percent, reason }) {
  switch (state) {
    case "waiting": return gettext("Waiting")
    case "sending": return percent < 100 ? interpolate(gettext("Sending, %s %"), [Math.round(percent ?? 0)]) : gettext("Looking at it")
    case "stored": return reason || gettext("Added")
    case "archive": return gettext("Sent. Its photos are taken out one by one")
    case "duplicate": return reason || gettext("Already in your library")
    case "rejected": return reason
    case "unsent": return interpolate(gettext("Not sent: %s"), [reason])
    default: return gettext("Not sent")
  }
}
