// Turning to another page would end an upload. While bytes move, pages are shown in a frame that fills the window,
// and this page, which sends, stays underneath. The address bar, the title and Back follow the frame. When all is sent,
// the next link leaves the frame.

const NAME = "kith-pages"

/** @param {() => boolean} isSending */
export function carryPages(isSending) {
  const own = { url: location.href, title: document.title }
  let frame

  function show(isCarried) {
    document.body.classList.toggle("carried", isCarried)
    document.title = isCarried ? frame.contentDocument.title : own.title
  }

  function frameReady() {
    if (frame) return
    frame = Object.assign(document.createElement("iframe"), { name: NAME, className: "pages-frame", title: gettext("Page") })
    frame.addEventListener("load", arrived)
    document.body.append(frame)
  }

  function arrived() {
    const page = frame.contentWindow
    if (page.location.href === "about:blank") return
    history.replaceState({ isCarried: true }, "", page.location.href)
    show(true)
    page.addEventListener("click", leave)
    page.addEventListener("submit", leave)
    page.focus()
  }

  /** A link or form of this page: into the frame. */
  function carry(event) {
    const target = leaving(event)
    if (!target || !isSending()) return
    frameReady()
    history.pushState({ isCarried: true }, "", target.href ?? target.action)
    aimAt(target, NAME)
  }

  /** A link or form of a page in the frame, when there is nothing to keep alive any more: out of it. */
  function leave(event) {
    const target = leaving(event)
    if (target && !isSending()) aimAt(target, "_top")
  }

  addEventListener("click", carry)
  addEventListener("submit", carry)
  addEventListener("popstate", ({ state }) => {
    if (!state?.isCarried) return show(false)
    frameReady()
    // Back within the frame moves the frame itself; this is the way forward again from this page.
    if (frame.contentWindow.location.href === "about:blank") frame.contentWindow.location.replace(location.href)
    else arrived()
  })

  return {
    /** Back to the page that sends. */
    showOwn() {
      if (!document.body.classList.contains("carried")) return
      history.pushState(null, "", own.url)
      show(false)
    },
    /** The document one sees. */
    get shown() {
      return document.body.classList.contains("carried") ? frame.contentDocument : document
    },
  }
}

/** The link or form with which this event is about to leave the page; null if it is not. */
function leaving(event) {
  if (event.defaultPrevented) return null
  if (event.type === "submit") {
    const form = event.target
    return form.method === "dialog" || form.target ? null : form
  }
  const link = event.target.closest?.("a[href]")
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return null
  if (link.target || link.hasAttribute("download") || link.origin !== location.origin) return null
  const isHere = link.pathname + link.search === link.ownerDocument.location.pathname + link.ownerDocument.location.search
  return isHere && link.hash ? null : link
}

/** Send a link or form elsewhere, this once. */
function aimAt(target, name) {
  target.target = name
  setTimeout(() => target.removeAttribute("target"))
}
