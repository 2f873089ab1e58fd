// The page "Who is this?": shows a picture, or what the camera sees, and asks who is in it.
// The picture is shown from this browser's own memory; what is sent is looked at and not kept.

const FRAME_SIDE = 1280 // pixels of a frame that is sent: enough for faces across a room
const FRAME_QUALITY = 0.85
const SAY_AGAIN_MS = 5000 // a screen reader is told of a change in front of the camera, but not of every frame
const PATIENCE_MS = 400 // an answer that comes sooner needs no "Looking"

const root = document.getElementById("recognise")
if (root) start()

function start() {
  const part = (name) => root.querySelector(`[data-${name}]`)
  const [shot, image, video, boxes, rows] = ["shot", "image", "video", "boxes", "rows"].map(part)
  const said = document.getElementById("said")
  const pause = Number(root.dataset.pause)
  let asking = null // of the picture; the camera asks one frame after the other
  let shown = null // the last picture, to try again
  let stream = null
  let isStarting = false // while the browser asks its user for the camera
  let facing = "environment"

  // ---------- Asking

  async function ask(picture, name, { signal, withAlike = false } = {}) {
    const body = new FormData()
    body.append("picture", picture, name)
    if (withAlike) body.append("alike", "1") // whom of the library each face looks like
    const headers = { ...JSON.parse(document.body.getAttribute("hx-headers")), Accept: "application/json" }
    let answer
    try {
      answer = await fetch(part("form").action, { method: "POST", headers, body, signal })
    } catch (error) {
      if (error.name === "AbortError") throw error
      throw new Problem(gettext("Kith does not answer. Is it running?"), { wait: 5 })
    }
    const content = await answer.json().catch(() => ({}))
    if (answer.ok) return content
    const wait = Number(answer.headers.get("Retry-After")) || 0
    throw new Problem(content.message ?? gettext("Kith did not take this picture. Reload the page and try again."), { wait })
  }

  // ---------- A picture

  async function show(file) {
    stopCamera()
    asking?.abort()
    const ours = new AbortController()
    asking = ours
    shown = file
    URL.revokeObjectURL(image.src)
    image.src = URL.createObjectURL(file)
    clear()
    reveal(image)
    const decoding = image.decode().then(() => true, () => {
      if (asking === ours) image.hidden = true
    })
    const patience = setTimeout(() => tell(gettext("Looking ..."), { aloud: true }), PATIENCE_MS)
    try {
      const seen = await ask(file, file.name || gettext("This picture"), { signal: ours.signal, withAlike: true })
      const canShow = await decoding
      if (asking !== ours) return
      part("cannot-show").hidden = Boolean(canShow)
      draw(seen, canShow ? image : null)
      image.alt = seen.sentence
    } catch (error) {
      if (error.name === "AbortError") return
      if (!(error instanceof Problem)) throw error
      const canShow = await decoding
      if (asking !== ours) return
      if (!canShow) reveal(null)
      report(error, { again: error.wait > 0 })
    } finally {
      clearTimeout(patience)
    }
  }

  // ---------- The camera

  async function startCamera() {
    if (!navigator.mediaDevices?.getUserMedia) return askSystemCamera()
    if (isStarting) return
    isStarting = true
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: { ideal: facing }, width: { ideal: FRAME_SIDE }, height: { ideal: 720 } },
      })
    } catch (error) {
      report(new Problem(error.name === "NotAllowedError"
        ? gettext("Your browser keeps the camera from this page. Allow it there, or choose a picture.")
        : gettext("No camera answers. Choose a picture instead.")))
      return
    } finally {
      isStarting = false
    }
    const ours = stream
    asking?.abort()
    asking = null
    ours.getVideoTracks()[0].addEventListener("ended", () => { if (stream === ours) stopCamera() })
    clear()
    video.srcObject = ours
    await video.play().catch(() => {}) // stopped before it played
    if (stream !== ours) return
    reveal(video)
    cameraIsOn(true)
    const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput")
    part("turn").hidden = cameras.length < 2
    watch(ours)
  }

  /** Look, wait for the answer, look again: as often as the answers and the server's limit allow. */
  async function watch(ours) {
    const isMirrored = isLikeAMirror(ours)
    video.classList.toggle("mirrored", isMirrored)
    const frame = document.createElement("canvas")
    while (stream === ours) {
      const began = performance.now()
      let wait = pause
      if (!document.hidden && video.videoWidth) {
        try {
          const seen = await ask(await grab(frame), gettext("This frame"))
          if (stream === ours) draw(seen, frame, { isMirrored })
        } catch (error) {
          if (!(error instanceof Problem)) throw error
          if (stream !== ours) return
          report(error)
          if (!error.wait) return stopCamera({ keepProblem: true })
          wait = error.wait * 1000
        }
      }
      await sleep(Math.max(began + wait - performance.now(), 50))
    }
  }

  function grab(frame) {
    const scale = Math.min(FRAME_SIDE / Math.max(video.videoWidth, video.videoHeight), 1)
    frame.width = Math.round(video.videoWidth * scale)
    frame.height = Math.round(video.videoHeight * scale)
    frame.getContext("2d").drawImage(video, 0, 0, frame.width, frame.height)
    return new Promise((resolve) => frame.toBlob(resolve, "image/jpeg", FRAME_QUALITY))
  }

  function stopCamera({ keepProblem = false } = {}) {
    if (!stream) return
    for (const track of stream.getTracks()) track.stop()
    stream = null
    video.srcObject = null
    cameraIsOn(false)
    if (keepProblem) boxes.replaceChildren()
    else clear()
    reveal(null)
  }

  function cameraIsOn(isOn) {
    part("camera").setAttribute("aria-pressed", String(isOn))
    part("camera-text").textContent = isOn ? gettext("Stop the camera") : gettext("Use the camera")
    part("turn").hidden = true
  }

  /** Without a camera in the page (plain http in a home network), a phone still has one of its own. */
  function askSystemCamera() {
    const input = Object.assign(document.createElement("input"), { type: "file", accept: "image/*", capture: "environment" })
    input.addEventListener("change", () => { if (input.files[0]) show(input.files[0]) })
    input.click()
  }

  // ---------- What the page shows

  function draw(seen, source, { isMirrored = false } = {}) {
    morph(boxes, source ? seen.boxes : "")
    if (isMirrored) boxes.querySelectorAll("svg").forEach(mirror)
    morph(rows, seen.rows)
    if (source) rows.querySelectorAll("canvas").forEach((canvas) => drawFace(canvas, source))
    part("problem").hidden = true
    tell(seen.sentence, { aloud: true })
  }

  function report(problem, { again = false } = {}) {
    boxes.replaceChildren()
    rows.replaceChildren()
    part("problem").hidden = false
    part("problem").querySelector("span").textContent = problem.message
    part("again").hidden = !again
    tell(gettext("Not looked at"))
    announce(problem.message)
  }

  function clear() {
    boxes.replaceChildren()
    rows.replaceChildren()
    part("problem").hidden = true
    part("hint").hidden = false
    part("sentence").textContent = gettext("No picture yet")
    image.alt = gettext("The picture you show")
  }

  function reveal(element) {
    shot.hidden = !element
    part("look-at").classList.toggle("filled", Boolean(element))
    image.hidden = element !== image
    video.hidden = element !== video
    part("cannot-show").hidden = true
  }

  function tell(text, { aloud = false } = {}) {
    part("hint").hidden = true
    part("sentence").textContent = text
    if (aloud) announce(text)
  }

  let lastSaid = "", lastSaidAt = -SAY_AGAIN_MS, saying
  function announce(text) {
    clearTimeout(saying)
    if (text === lastSaid) return
    const wait = stream ? Math.max(lastSaidAt + SAY_AGAIN_MS - performance.now(), 0) : 0
    saying = setTimeout(() => {
      said.textContent = text
      lastSaid = text
      lastSaidAt = performance.now()
    }, wait)
  }

  // ---------- Buttons, dropping, pasting

  const file = part("file")
  file.hidden = true
  part("plain-send").hidden = true
  part("choose").addEventListener("click", () => file.click())
  file.addEventListener("change", () => {
    if (file.files[0]) show(file.files[0])
    file.value = "" // the same picture can be chosen again
  })
  part("camera").addEventListener("click", () => (stream ? stopCamera() : startCamera()))
  part("turn").addEventListener("click", () => {
    facing = facing === "environment" ? "user" : "environment"
    stopCamera()
    startCamera()
  })
  part("again").addEventListener("click", () => show(shown))
  document.addEventListener("kith:shown", ({ detail }) => show(detail[0]))
  document.addEventListener("paste", (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"))
    if (!pasted) return
    event.preventDefault()
    show(pasted)
  })
  addEventListener("pagehide", () => stopCamera())

  // A face and its row belong together.
  for (const name of ["pointerover", "focusin"]) {
    root.addEventListener(name, ({ target }) => {
      const key = target.closest("[data-face]")?.dataset.face
      for (const element of root.querySelectorAll("[data-face]")) {
        element.classList.toggle("lit", element.dataset.face === key)
      }
    })
  }
  boxes.addEventListener("click", (event) => {
    const box = event.target.closest("a.box")
    if (!box) return
    event.preventDefault() // no entry in the history for each
    document.getElementById(`seen-${box.dataset.face}`).focus()
  })
}

/** Why there is no answer, in a sentence; `wait`: seconds until it may be tried again, 0 if that is no use. */
class Problem extends Error {
  constructor(sentence, { wait = 0 } = {}) {
    super(sentence)
    this.wait = wait
  }
}

/** Put new content in place so that what stays keeps its focus. */
function morph(element, html) {
  const next = element.cloneNode(false)
  next.innerHTML = html
  window.Idiomorph.morph(element, [...next.childNodes], { morphStyle: "innerHTML" })
}

/** Cut one face out of the picture: a square with some room around the box. */
function drawFace(canvas, source) {
  const [left, top, width, height] = canvas.dataset.crop.split(" ").map(Number)
  const [wide, high] = [source.naturalWidth ?? source.width, source.naturalHeight ?? source.height]
  const side = 1.3 * Math.max(width * wide, height * high)
  const x = (left + width / 2) * wide - side / 2
  const y = (top + height / 2) * high - side / 2
  const context = canvas.getContext("2d")
  context.clearRect(0, 0, canvas.width, canvas.height)
  context.drawImage(source, x, y, side, side, 0, 0, canvas.width, canvas.height)
}

/** A camera that looks at its user is shown like a mirror; what is sent is not turned. */
function isLikeAMirror(stream) {
  return (stream.getVideoTracks()[0].getSettings().facingMode ?? "user") === "user"
}

function mirror(svg) {
  const [x, width] = ["x", "width"].map((name) => parseFloat(svg.getAttribute(name)))
  svg.setAttribute("x", `${100 - x - width}%`)
}

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))
