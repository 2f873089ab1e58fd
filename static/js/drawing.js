// Draws a box around a face the detector did not find: with the mouse, a finger, or the keyboard.

const LEAST_DRAG = 8 // pixels: less is a click
const STEP = 0.015 // of the photo's shorter side, for each press of an arrow key
const FIRST_SIDE = 0.22 // of the shorter side
const FACE_ASPECT = 0.8 // width by height
const LEAST_SIDE = 12 // pixels on the screen

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

let drawing = null

const clamp = (value, least, most) => Math.min(Math.max(value, least), most)

/** Where the photo is on the stage, in pixels of the stage; zoomed, it may be larger than that. */
function photoOn(stage) {
  const boxes = document.getElementById("boxes").getBoundingClientRect()
  const { left, top } = stage.getBoundingClientRect()
  return { left: boxes.left - left, top: boxes.top - top, width: boxes.width, height: boxes.height }
}

class Drawing {
  constructor(stage) {
    this.stage = stage
    this.photo = photoOn(stage)
    this.layer = document.getElementById("draw-tools").content.firstElementChild.cloneNode(true)
    this.box = this.layer.querySelector(".draw-box")
    stage.append(this.layer)
    this.place(this.inTheMiddle())
    this.layer.addEventListener("pointerdown", (event) => this.press(event))
    this.layer.addEventListener("pointermove", (event) => this.drag(event))
    this.layer.addEventListener("pointerup", (event) => this.release(event))
    this.layer.addEventListener("pointercancel", () => { this.from = null })
    this.layer.addEventListener("keydown", (event) => this.key(event))
    this.layer.querySelector("[data-cancel]").addEventListener("click", () => stop())
    this.layer.querySelector("[data-done]").addEventListener("click", () => this.send())
    this.box.focus({ preventScroll: true })
  }

  /** What of the photo is to be seen: left, top, right, bottom. */
  get visible() {
    const { left, top, width, height } = this.photo
    return [Math.max(left, 0), Math.max(top, 0),
      Math.min(left + width, this.stage.clientWidth), Math.min(top + height, this.stage.clientHeight)]
  }

  inTheMiddle() {
    const [left, top, right, bottom] = this.visible
    const height = FIRST_SIDE * Math.min(right - left, bottom - top)
    const width = height * FACE_ASPECT
    return { left: (left + right - width) / 2, top: (top + bottom - height) / 2, width, height }
  }

  place(rect) {
    this.rect = rect
    for (const side of ["left", "top", "width", "height"]) this.box.style[side] = `${rect[side]}px`
  }

  at({ clientX, clientY }) {
    const { left, top } = this.stage.getBoundingClientRect()
    const [least, highest, most, lowest] = this.visible
    return [clamp(clientX - left, least, most), clamp(clientY - top, highest, lowest)]
  }

  press(event) {
    if (event.button || event.target.closest(".draw-acts")) return
    event.preventDefault()
    this.layer.setPointerCapture(event.pointerId)
    this.from = this.at(event)
  }

  drag(event) {
    if (!this.from) return
    const [x, y] = this.at(event)
    const [left, top] = [Math.min(x, this.from[0]), Math.min(y, this.from[1])]
    const [width, height] = [Math.abs(x - this.from[0]), Math.abs(y - this.from[1])]
    if (Math.max(width, height) >= LEAST_DRAG) this.place({ left, top, width, height })
  }

  release(event) {
    if (!this.from) return
    const [x, y] = this.at(event)
    const isDrag = Math.max(Math.abs(x - this.from[0]), Math.abs(y - this.from[1])) >= LEAST_DRAG
    this.from = null
    if (isDrag) this.send()
  }

  key(event) {
    if (event.key === "Escape") {
      event.preventDefault()
      event.stopPropagation()
      stop()
    } else if (event.key === "Enter" && event.target === this.box) {
      event.preventDefault()
      this.send()
    } else if (ARROWS[event.key] && event.target === this.box) {
      event.preventDefault()
      event.stopPropagation()
      this.step(...ARROWS[event.key], event.shiftKey)
    }
  }

  step(x, y, isResizing) {
    const by = STEP * Math.min(this.photo.width, this.photo.height)
    const [least, highest, most, lowest] = this.visible
    const { left, top, width, height } = this.rect
    if (isResizing) {
      this.place({
        left, top,
        width: clamp(width + x * by, LEAST_SIDE, most - left), height: clamp(height + y * by, LEAST_SIDE, lowest - top),
      })
    } else {
      this.place({
        left: clamp(left + x * by, least, most - width), top: clamp(top + y * by, highest, lowest - height), width, height,
      })
    }
  }

  /** Send the box as fractions of the photo; the server says if no face can be in it. */
  send() {
    const form = document.getElementById("draw-form")
    const { left, top, width, height } = this.rect
    const box = {
      left: (left - this.photo.left) / this.photo.width, top: (top - this.photo.top) / this.photo.height,
      width: width / this.photo.width, height: height / this.photo.height,
    }
    for (const [name, value] of Object.entries(box)) form.elements[name].value = value.toFixed(5)
    const rows = new Set([...document.querySelectorAll("#about .face-row")].map((row) => row.id))
    stop()
    onceSettled(() => nameIt(rows))
    form.requestSubmit()
  }
}

/** Call back when what is beside the photo has been swapped; the page below it fetches things, too. */
function onceSettled(callback) {
  const settled = ({ detail }) => {
    if (detail.target?.id !== "about") return
    document.removeEventListener("htmx:afterSettle", settled)
    callback()
  }
  document.addEventListener("htmx:afterSettle", settled)
}

/** Offer the face that is new in the list to be named. */
function nameIt(known) {
  const row = [...document.querySelectorAll("#about .face-row")].find(({ id }) => !known.has(id))
  row?.scrollIntoView({ block: "nearest" })
  row?.querySelector("input[name=name]")?.focus({ preventScroll: true })
}

function stop() {
  drawing?.layer.remove()
  drawing = null
  document.querySelector("[data-draw]")?.focus({ preventScroll: true })
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-draw]")) return
  const stage = document.querySelector("#viewer .stage")
  if (!drawing && stage && document.getElementById("boxes")) drawing = new Drawing(stage)
})

// The photo would move under the box.
window.addEventListener("resize", () => { if (drawing) stop() })
document.addEventListener("kith:viewer-closed", () => { drawing = null })
