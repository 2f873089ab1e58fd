// A text field with a list of options below it: the combobox of the ARIA Authoring Practices. The focus stays in the
// field; arrows highlight an option, Return takes it, Escape and leaving the field close the list.

export class Combobox {
  /**
   * @param {HTMLInputElement} input
   * @param {HTMLElement} list  comes to hold elements with the role "option", which show() numbers
   * @param {string} label  of the list
   * @param {{pressedReturn: (event: KeyboardEvent, option?: Element) => void, open?: () => void, closed?: () => void}} acts
   *   open: what an arrow does where the list is closed
   */
  constructor(input, list, label, { pressedReturn, open = null, closed = () => {} }) {
    Object.assign(this, { input, list, pressedReturn, open, closed, active: -1 })
    list.hidden = true
    list.setAttribute("role", "listbox")
    list.setAttribute("aria-label", label)
    this.dress()
    input.addEventListener("keydown", (event) => this.pressed(event))
    input.addEventListener("blur", () => this.close())
    list.addEventListener("pointerdown", (event) => event.preventDefault()) // keeps the focus in the field
  }

  /** Also after a morph took away what the server does not know of. */
  dress() {
    for (const [name, value] of Object.entries({
      role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id,
    })) this.input.setAttribute(name, value)
  }

  get options() {
    return [...this.list.querySelectorAll("[role=option]")]
  }

  get isOpen() {
    return !this.list.hidden
  }

  /** Show what the list holds now, unless that is nothing or the user went on; return whether it is open. */
  show() {
    if (!this.list.childElementCount || document.activeElement !== this.input) {
      this.close()
      return false
    }
    for (const [index, option] of this.options.entries()) option.id = `${this.list.id}-${index}`
    this.list.hidden = false
    this.input.setAttribute("aria-expanded", "true")
    this.highlight(-1)
    return true
  }

  close() {
    this.list.hidden = true
    this.input.setAttribute("aria-expanded", "false")
    this.highlight(-1)
    this.closed()
  }

  highlight(index) {
    this.active = index
    for (const [place, option] of this.options.entries()) option.setAttribute("aria-selected", String(place === index))
    const option = this.options[index]
    option?.scrollIntoView({ block: "nearest" })
    if (option) this.input.setAttribute("aria-activedescendant", option.id)
    else this.input.removeAttribute("aria-activedescendant")
  }

  pressed(event) {
    const count = this.options.length
    if (event.isComposing) return
    if (event.key === "Enter") {
      this.pressedReturn(event, this.options[this.active])
    } else if (event.key === "Escape" && this.isOpen) {
      event.preventDefault()
      this.close()
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!this.isOpen && !this.open) return
      event.preventDefault()
      if (!this.isOpen) this.open()
      else if (!count) return
      else if (event.key === "ArrowDown") this.highlight((this.active + 1) % count)
      else this.highlight((this.active <= 0 ? count : this.active) - 1)
    }
  }
}
