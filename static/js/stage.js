// The photo on the viewer's stage: PhotoSwipe zooms, pans and swipes it, and the boxes stay glued to it.
// It fills the stage instead of the window, and none of its buttons, keys or dialogs are used: the page has its own.

import { fitNames } from "./box-names.js"

const PAN_STEP = 80 // pixels
const FILLS = 2400 // pixels of a photo's longer side that fill any stage
const MOST_SCALED = 2.5

function addStyles(href) {
  if (document.querySelector(`link[href="${href}"]`)) return
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href })
  document.head.querySelector("link[rel=stylesheet]").after(link) // ours must win: they come later
}

function itemOf(slide) {
  if (!slide.src) return { id: slide.id, type: "html", html: "" } // not prepared yet, or it failed: the page says so
  const { id, src, small, alt } = slide
  // PhotoSwipe shows no photo larger than it is; a small one may fill the stage, as far as it bears it.
  const scale = Math.min(Math.max(FILLS / Math.max(slide.width, slide.height), 1), MOST_SCALED)
  return { id, src, msrc: small, width: Math.round(slide.width * scale), height: Math.round(slide.height * scale), alt }
}

/**
 * Fill the stage. slides: photos in their order, as people.leafing gives them; current: the id of the one to show.
 * onTurn(slide) is called when another one comes, onZoom(isZoomed) when it is zoomed, onLeave() when it is dragged away.
 */
export async function openStage(element, { library, styles, slides, current, onTurn, onZoom, onLeave }) {
  addStyles(styles)
  const { PhotoSwipe } = await import(library)
  return new Stage(element, PhotoSwipe, { slides, current, onTurn, onZoom, onLeave })
}

class Stage {
  constructor(element, PhotoSwipe, { slides, current, onTurn, onZoom, onLeave }) {
    this.element = element
    this.slides = [...slides]
    this.items = slides.map(itemOf)
    this.shown = current
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches
    const pswp = new PhotoSwipe({
      dataSource: this.items,
      index: slides.findIndex((slide) => slide.id === current),
      appendToEl: element,
      getViewportSizeFn: () => ({ x: element.clientWidth, y: element.clientHeight }),
      paddingFn: (size) => (size.x < 600 ? { top: 56, bottom: 16, left: 0, right: 0 } : { top: 60, bottom: 52, left: 0, right: 0 }),
      mainClass: "stage-photo",
      loop: false, counter: false, zoom: false, close: false, arrowPrev: false, arrowNext: false,
      escKey: false, arrowKeys: false, trapFocus: false, returnFocus: false,
      pinchToClose: false, bgClickAction: false, tapAction: false, wheelToZoom: true, bgOpacity: 1,
      showHideAnimationType: "none", zoomAnimationDuration: isStill ? 0 : 240,
      secondaryZoomLevel: (level) => level.fit * 2.5, maxZoomLevel: (level) => Math.max(level.fit * 6, 2),
      preload: [1, 2],
    })
    this.pswp = pswp
    pswp.on("keydown", (event) => event.preventDefault()) // keys belong to the page, which prints them
    pswp.on("contentResize", ({ content, width, height }) => {
      content.shownSize = { width, height }
      if (content.slide === pswp.currSlide) this.sizeBoxes()
    })
    pswp.on("zoomPanUpdate", () => onZoom(this.isZoomed))
    pswp.on("change", () => {
      const slide = this.slides[pswp.currIndex]
      if (!slide || slide.id === this.shown) return
      this.shown = slide.id
      onTurn(slide)
    })
    pswp.close = onLeave // dragged down: whoever owns the stage leaves
    pswp.init()
    pswp.element.setAttribute("role", "group")
    pswp.element.removeAttribute("tabindex")
    pswp.element.setAttribute("aria-label", element.getAttribute("aria-label"))
    this.watch = new ResizeObserver(() => pswp.updateSize(true))
    this.watch.observe(element)
    element.classList.add("has-photo")
  }

  get isZoomed() {
    const slide = this.pswp.currSlide
    return Boolean(slide?.zoomLevels && slide.currZoomLevel > slide.zoomLevels.fit * 1.01)
  }

  /** Show the photo before (-1) or after (1); false where none is known yet. */
  turn(by) {
    const index = this.pswp.potentialIndex + by
    if (index < 0 || index >= this.items.length) return false
    this.pswp.goTo(index)
    return true
  }

  toggleZoom() {
    this.pswp.currSlide?.toggleZoom()
  }

  pan(x, y) {
    const slide = this.pswp.currSlide
    if (!this.isZoomed) return false
    slide.panTo(slide.pan.x - x * PAN_STEP, slide.pan.y - y * PAN_STEP)
    return true
  }

  /** Glue boxes to the photo that is shown. */
  putBoxes(boxes, alt) {
    const { container, content } = this.pswp.currSlide
    container.append(boxes)
    if (alt && content.element?.tagName === "IMG") content.element.alt = alt
    this.sizeBoxes()
  }

  sizeBoxes() {
    const slide = this.pswp.currSlide
    const boxes = slide?.container.querySelector(".boxes")
    const size = slide?.content.shownSize
    if (boxes && size) Object.assign(boxes.style, { width: `${size.width}px`, height: `${size.height}px` })
    if (boxes) fitNames(boxes, this.element)
  }

  /** Put something in the place of a photo that cannot be shown yet. */
  putWords(element) {
    const { content } = this.pswp.currSlide
    if (content.type === "html") content.element?.replaceChildren(element)
  }

  /** Learn of more photos: `slides` are in the same order and hold the one that is shown. */
  learn(slides) {
    const at = slides.findIndex((slide) => slide.id === this.shown)
    const here = this.slides.findIndex((slide) => slide.id === this.shown)
    if (at < 0 || here < 0) return
    const before = slides.slice(0, Math.max(at - here, 0))
    const after = slides.slice(at + this.slides.length - here)
    if (before.length) this.prepend(before)
    if (after.length) this.append(after)
  }

  append(slides) {
    this.forgetBeyond()
    this.slides.push(...slides)
    this.items.push(...slides.map(itemOf))
    this.pswp.setContent(this.pswp.mainScroll.itemHolders[2], this.pswp.currIndex + 1)
  }

  /** PhotoSwipe counts from the first photo: with new ones before it, all it holds moves on. */
  prepend(slides) {
    const { pswp } = this
    this.forgetBeyond()
    this.slides.unshift(...slides)
    this.items.unshift(...slides.map(itemOf))
    for (const content of pswp.contentLoader._cachedItems) content.index += slides.length
    for (const { slide } of pswp.mainScroll.itemHolders) if (slide) slide.index += slides.length
    pswp.currIndex += slides.length
    pswp.potentialIndex += slides.length
    pswp.setContent(pswp.mainScroll.itemHolders[0], pswp.currIndex - 1)
  }

  /** What was loaded ahead beyond the first and the last photo is nothing, and in the way of what comes there now. */
  forgetBeyond() {
    const { contentLoader } = this.pswp
    contentLoader._cachedItems = contentLoader._cachedItems.filter(({ index }) => index >= 0 && index < this.items.length)
  }

  destroy() {
    this.watch.disconnect()
    this.element.classList.remove("has-photo")
    this.pswp.isDestroying = true // else it would close first, and whoever owns the stage would leave once more
    this.pswp.destroy()
  }
}
