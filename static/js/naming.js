// <name-box>: a text field becomes a combobox that offers the people there are.
// Return takes the highlighted person. A new person comes only from the last row, "Create ...",
// so that "man" never becomes somebody new when Manuel was meant.
//
// Who is called just so comes first; "Another ..." makes a namesake, with a note that tells the two apart.
//
// Choosing submits the box's form, with the box's own submit button if it has one.
// data-existing-only: nobody new can be made.
// data-but-not: the id of somebody who is not offered.
// data-about: "group=1" or "face=1": whom that may show is offered before anything is typed.
// data-prefix: one of several boxes in its form: what it sends begins with this, and choosing does not submit.

const PAUSE_MS = 80 // between the last letter and the question to the server
const LIST_HEIGHT = 320

const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase().trim()

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties)
  element.append(...children)
  return element
}

/** Names this one form: the server makes one person of it, however often it is sent. */
const randomKey = () => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("")

const countOf = (count) => count.toLocaleString(document.documentElement.lang)
const words = {
  create: (name) => interpolate(gettext("Create “%s”"), [name]),
  another: (name) => interpolate(gettext("Another “%s”"), [name]),
  note: (name) => interpolate(gettext("Note that tells this %s from the other"), [name]),
  photos: (count) => interpolate(ngettext("%s photo", "%s photos", count), [countOf(count)]),
  thisOne: (count) => interpolate(gettext("%s. Is it this one?"), [words.photos(count)]),
  found: (count) => interpolate(ngettext("%s person found", "%s people found", count), [countOf(count)]),
}

class NameBox extends HTMLElement {
  connectedCallback() {
    if (this.list) return // moved by a swap
    this.input = this.querySelector(".field-wrap > input")
    this.submitter = this.querySelector("[data-name-submit]")
    this.start = this.dataset.prefix ?? ""
    this.isExistingOnly = "existingOnly" in this.dataset
    this.options = []
    this.active = -1
    this.ready = Promise.resolve()
    this.list = make("ul", { className: "name-list", id: `${this.input.id}-list`, hidden: true })
    this.list.setAttribute("role", "listbox")
    this.list.setAttribute("aria-label", gettext("People"))
    this.said = make("span", { className: "visually-hidden" })
    this.said.setAttribute("role", "status")
    this.dress()
    this.input.addEventListener("focus", () => this.dress())
    this.input.addEventListener("input", () => this.typed())
    this.input.addEventListener("click", () => this.open())
    this.input.addEventListener("keydown", (event) => this.pressed(event))
    this.input.addEventListener("blur", () => this.close())
    this.list.addEventListener("pointerdown", (event) => event.preventDefault()) // keeps the focus in the field
    this.list.addEventListener("click", (event) => this.clicked(event))
    this.submitter?.addEventListener("click", (event) => {
      if (this.isChosen) return
      event.preventDefault()
      if (this.text) this.take()
      else this.input.focus()
    })
  }

  /** Make the field a combobox; again after a morph took away what the server does not know of. */
  dress() {
    if (this.input.nextElementSibling === this.list) return
    this.input.after(this.list, this.said)
    this.isChosen = false
    for (const [name, value] of Object.entries({
      role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id,
    })) this.input.setAttribute(name, value)
  }

  get text() {
    return this.input.value.trim()
  }

  get isOpen() {
    return !this.list.hidden
  }

  // ---------- Asking

  typed() {
    this.choose(null)
    clearTimeout(this.pause)
    this.asking?.abort()
    if (!this.text) {
      this.close()
      return
    }
    this.ready = new Promise((resolve) => {
      this.pause = setTimeout(() => this.ask().finally(resolve), PAUSE_MS)
    })
  }

  open() {
    if (this.isOpen || this.isChosen) return
    this.ready = this.ask()
  }

  async ask() {
    const text = this.text
    this.asking = new AbortController()
    try {
      const about = this.dataset.about && !text ? `&${this.dataset.about}` : ""
      const address = `${this.dataset.names}?${new URLSearchParams({ q: text })}${about}`
      const answer = await fetch(address, { signal: this.asking.signal, headers: { Accept: "application/json" } })
      if (!answer.ok) throw new Error(answer.statusText)
      const { people } = await answer.json()
      if (text === this.text) this.show(people.filter((person) => String(person.id) !== this.dataset.butNot))
    } catch (error) {
      if (error.name !== "AbortError") this.show([]) // a new name can still be given
    }
  }

  // ---------- The list

  show(people) {
    const isSame = (person) => plain(person.name) === plain(this.text)
    const namesakes = people.filter(isSame)
    const options = [...namesakes, ...people.filter((person) => !isSame(person))]
    if (this.text && !this.isExistingOnly) options.push({ create: this.text, isAnother: namesakes.length > 0 })
    this.options = options
    this.list.replaceChildren(...options.map((option, index) => this.row(option, index, namesakes.includes(option))))
    this.said.textContent = this.text ? words.found(people.length) : ""
    if (!this.options.length && this.text) this.list.append(make("li", { className: "none", textContent: gettext("Nobody of that name") }))
    if (!this.list.childElementCount || document.activeElement !== this.input) {
      this.close()
      return
    }
    this.list.hidden = false
    this.input.setAttribute("aria-expanded", "true")
    this.place()
    this.highlight(this.text ? 0 : -1) // nothing typed: Return must not name anybody
  }

  row(option, index, isNamesake) {
    const item = make("li", { id: `${this.list.id}-${index}` })
    item.setAttribute("role", "option")
    item.setAttribute("aria-selected", "false")
    item.dataset.index = index
    if (option.create) {
      const about = option.isAnother ? [make("span", { className: "muted small", textContent: gettext("Keep both, and add a note") })] : []
      const text = option.isAnother ? words.another(option.create) : words.create(option.create)
      item.append(
        make("span", { className: "face sm new", textContent: "+", ariaHidden: "true" }),
        make("span", { className: "who" }, make("b", {}, make("bdi", { textContent: text })), ...about),
      )
      return item
    }
    const crop = option.crop
      ? make("img", { className: "face sm", src: option.crop, alt: "", width: 40, height: 40 })
      : make("span", { className: "face sm" })
    const note = option.note ? [make("bdi", { textContent: option.note }), ", "] : []
    const photos = isNamesake ? words.thisOne(option.photos) : words.photos(option.photos)
    const about = make("span", { className: "muted small" }, ...note, photos)
    item.append(crop, make("span", { className: "who" }, make("b", {}, make("bdi", { textContent: option.name })), about))
    return item
  }

  /** Open upwards or to the left where there is more room. */
  place() {
    const field = this.input.getBoundingClientRect()
    const docked = document.querySelector(".tabbar")?.offsetHeight ?? 0
    const below = innerHeight - docked - field.bottom
    this.list.classList.toggle("up", below < LIST_HEIGHT && field.top > below)
    this.list.classList.remove("end")
    this.list.classList.toggle("end", this.list.getBoundingClientRect().right > document.documentElement.clientWidth - 8)
  }

  highlight(index) {
    this.active = index
    for (const [i, item] of [...this.list.querySelectorAll("[role=option]")].entries()) {
      item.setAttribute("aria-selected", String(i === index))
      if (i === index) item.scrollIntoView({ block: "nearest" })
    }
    if (index < 0) this.input.removeAttribute("aria-activedescendant")
    else this.input.setAttribute("aria-activedescendant", `${this.list.id}-${index}`)
  }

  close() {
    this.list.hidden = true
    this.input.setAttribute("aria-expanded", "false")
    this.input.removeAttribute("aria-activedescendant")
    this.active = -1
  }

  // ---------- Choosing

  pressed(event) {
    const count = this.options.length
    if (event.isComposing) return
    if (event.key === "Enter") {
      event.preventDefault() // the form's first button is not what is meant here
      this.take()
    } else if (event.key === "Escape" && this.isOpen) {
      event.preventDefault()
      this.close()
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !this.isOpen) {
      event.preventDefault()
      this.open()
    } else if (event.key === "ArrowDown" && count) {
      event.preventDefault()
      this.highlight((this.active + 1) % count)
    } else if (event.key === "ArrowUp" && count) {
      event.preventDefault()
      this.highlight((this.active - 1 + count) % count)
    }
  }

  clicked(event) {
    const item = event.target.closest("[role=option]")
    if (item) this.pick(this.options[item.dataset.index])
  }

  /** Take what is highlighted, once the server has said who there is. */
  async take() {
    if (this.isChosen) {
      if (!this.start) this.submit()
      return
    }
    const text = this.text
    if (!this.isOpen && text) this.open()
    await this.ready
    if (text === this.text && this.active >= 0) this.pick(this.options[this.active])
  }

  pick(option) {
    this.choose(option)
    this.close()
    if (option.isAnother) this.askForNote()
    else if (!this.start) this.submit()
  }

  /** A field for what tells the new one from the others of the name; Return or its button sends the form. */
  askForNote() {
    const prefix = this.start
    const note = make("input", {
      className: "form-control", name: `${prefix}note`, maxLength: 200, placeholder: gettext("From work, next door"), autocomplete: "off", dir: "auto",
    })
    note.setAttribute("aria-label", words.note(this.text))
    const hidden = (name, value) => make("input", { type: "hidden", name: `${prefix}${name}`, value })
    const row = make("span", { className: "name-note" }, hidden("new", "1"), hidden("form_key", randomKey()), note)
    if (!prefix) {
      const button = make("button", { type: "button", className: "btn btn-primary", textContent: gettext("Keep both") })
      button.addEventListener("click", () => this.submit())
      row.append(button)
    }
    note.addEventListener("keydown", (event) => {
      if (event.isComposing) return
      if (event.key === "Enter") {
        event.preventDefault()
        if (!prefix) this.submit()
      } else if (event.key === "Escape") {
        event.preventDefault()
        event.stopPropagation() // not the menu around it
        this.choose(null)
        this.input.focus()
      }
    })
    this.append(row)
    note.focus()
  }

  /** Note the person's id beside the text; null takes it back. */
  choose(option) {
    this.querySelector("[data-chosen]")?.remove()
    this.querySelector(".name-note")?.remove()
    this.isChosen = Boolean(option)
    if (option) this.input.value = option.create ?? option.name
    if (!option?.id) return
    const chosen = make("input", { type: "hidden", name: `${this.start}person`, value: option.id })
    chosen.dataset.chosen = ""
    this.append(chosen)
  }

  submit() {
    const { form } = this.input
    form.requestSubmit(this.submitter ?? form.querySelector("[data-return]") ?? undefined)
  }
}

customElements.define("name-box", NameBox)
