// What the server is told about an upload: one batch for every album its photos go to.

const ARCHIVE = /\.zip$/i
const topFolder = (path) => (path.includes("/") ? path.split("/")[0] : "")
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms) })

export const isArchive = (name) => ARCHIVE.test(name)
export const isTemporary = (status) => status === 0 || status === 429 || status >= 500

export function csrfHeaders() {
  return JSON.parse(document.body.getAttribute("hx-headers"))
}

/** The server does not take these files at all; the message says what to do. */
export class Refused extends Error {}

export class Batches {
  /** @param {{say: (text: string) => void}} page */
  constructor(root, page) {
    this.root = root
    this.page = page
    this.batches = new Map() // key -> batch
    this.batchOf = new Map() // id of a file -> its batch
    this.turn = Promise.resolve()
  }

  /** Tell the server which files are coming. In turn: two announcements at once would open two batches. */
  announce(files) {
    const turn = this.turn.then(() => this.open(files))
    this.turn = turn.catch(() => {})
    return turn
  }

  async open(files) {
    const fresh = files.filter(({ id }) => !this.batchOf.has(id))
    const typed = this.root.querySelector("[data-album]").value.trim()
    for (const [key, some] of Object.entries(Object.groupBy(fresh, ({ name }) => keyOf(name, typed)))) {
      const batch = this.batches.get(key) ?? { ...namesOf(some[0].name, typed), expected: 0 }
      this.batches.set(key, batch)
      batch.expected += some.length
      for (const { id } of some) this.batchOf.set(id, batch)
      await this.tellExpected(batch)
    }
  }

  /** Open the batch, or correct how many files it waits for. Goes on trying while the server is away. */
  async tellExpected(batch) {
    for (;;) {
      const { title, expected, has_own_albums } = batch
      const answer = await fetch(batch.expect_url ?? this.root.dataset.batchesUrl, {
        method: "POST",
        headers: csrfHeaders(),
        body: new URLSearchParams({ title, expected, ...(has_own_albums && { has_own_albums }) }),
      }).catch(() => ({ ok: false, status: 0 }))
      if (answer.ok) {
        if (!batch.expect_url) this.show(Object.assign(batch, await answer.json()))
        return
      }
      if (!isTemporary(answer.status)) {
        throw new Refused(answer.status === 401 || answer.status === 403
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
      this.page.say(gettext("Kith does not answer. The upload goes on when it does."))
      await sleep(3000)
    }
  }

  /** Where to send a file. Nowhere, if it was taken back meanwhile. */
  addressFor(id) {
    return this.batchOf.get(id)?.upload_url
  }

  /** A file was taken back before it was sent: its batch must not wait for it. */
  forget(id) {
    const batch = this.batchOf.get(id)
    this.batchOf.delete(id)
    if (!batch) return
    batch.expected -= 1
    clearTimeout(batch.correction) // taking 3,000 files back is one correction
    batch.correction = setTimeout(() => { if (batch.expect_url) this.tellExpected(batch).catch(() => {}) }, 300)
  }

  /** Pausing here pauses the server's work on it, too; "running" goes on with both. */
  hold(state) {
    for (const { state_url } of this.batches.values()) {
      if (!state_url) continue
      const body = new URLSearchParams({ state })
      fetch(state_url, { method: "POST", headers: csrfHeaders(), body, redirect: "manual" }).catch(() => {})
    }
  }

  /** Where its photos are to be seen: the batch's page, or the timeline if there are several. */
  get address() {
    return this.batches.size === 1 ? this.batches.values().next().value.url : this.root.dataset.timelineUrl
  }

  /** Show the batch's album and card here, and the card on the timeline if we are over it. */
  show(batch) {
    const box = document.createElement("div")
    const [album, card] = [document.createElement("div"), document.createElement("div")]
    box.append(album, card)
    this.root.querySelector("[data-batches]").append(box)
    fetchInto(album, batch.album_url, "outerHTML")
    fetchInto(card, batch.card_url, "outerHTML")
    const timeline = document.getElementById("batch-slot")
    if (timeline) fetchInto(timeline, batch.card_url, "innerHTML")
  }
}

/** Each from an element of its own: of several requests of one element htmx drops all but the last. */
function fetchInto(element, address, swap) {
  window.htmx.ajax("GET", address, { source: element, target: element, swap })
}

/** What goes to one batch: an album somebody typed, a folder, an archive, or loose files. */
function keyOf(name, typed) {
  if (typed) return `album ${typed}`
  if (topFolder(name)) return `album ${topFolder(name)}`
  return isArchive(name) ? `archive ${name}` : "loose"
}

function namesOf(name, typed) {
  const title = typed || topFolder(name)
  if (title || !isArchive(name)) return { title }
  return { title: name.replace(ARCHIVE, ""), has_own_albums: "on" } // its folders name them
}
