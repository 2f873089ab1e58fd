// Out of sight of the uploader: a small line that says how far it is and leads back to it.

export class UploadChip {
  /** @param {() => void} open shows the uploader */
  constructor(open) {
    this.open = open
  }

  /** @param {number} value per cent of the upload */
  show(text, value) {
    this.button ??= this.build()
    this.button.firstChild.textContent = text
    this.button.lastChild.value = value
  }

  hide() {
    this.button?.remove()
    this.button = undefined
  }

  build() {
    const button = document.createElement("button")
    button.className = "toast-k upload-chip"
    const bar = Object.assign(document.createElement("progress"), { className: "bar", max: 100 })
    bar.setAttribute("aria-label", gettext("Upload"))
    button.append(document.createElement("span"), bar)
    button.addEventListener("click", this.open)
    document.body.append(button)
    return button
  }
}
