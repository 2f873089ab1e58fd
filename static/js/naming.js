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

import { Combobox } from "./combobox.js"
import { written } from "./numbers.js"

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

const words = {
  create: (name) => interpolate(gettext("Create “%s”"), [name]),
  another: (name) => interpolate(gettext("Another “%s”"), [name]),
  note: (name) => interpolate(gettext("Note that tells this %s from the other"), [name]),
  photos: (count) => interpolate(ngettext("%s photo", "%s photos", count), [written(count)]),
  thisOne: (count) => interpolate(gettext("%s. Is it this one?"), [words.photos(count)]),
  found: (count) => interpolate(ngettext("%s person found", "%s people found", count), [written(count)]),
}

class NameBox extends HTMLElement {
  connectedCallback() {
    if (this.list) return // moved by a swap
    this.input = this.querySelector(".field-wrap > input")
    this.submitter = this.querySelector("[data-name-submit]")
    this.start = this.dataset.prefix ?? ""
    this.isExistingOnly = "existingOnly" in this.dataset
    this.offers = [] // what the options stand for
    this.ready = Promise.resolve()
    this.list = make("ul", { className: "name-list", id: `${this.input.id}-list` })
    this.combobox = new Combobox(this.input, this.list, gettext("People"), {
      pressedReturn: (event) => {
        event.preventDefault() // the form's first button is not what is meant here
        this.take()
      },
      open: () => this.open(),
    })
    this.said = make("span", { className: "visually-hidden" })
    this.said.setAttribute("role", "status")
    this.dress()
    this.input.addEventListener("focus", () => this.dress())
    this.input.addEventListener("input", () => this.typed())
    this.input.addEventListener("click", () => this.open())
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
    this.combobox.dress()
  }

  get text() {
    return this.input.value.trim()
  }

  // ---------- Asking

  typed() {
    this.choose(null)
    clearTimeout(this.pause)
    this.asking?.abort()
    if (!this.text) {
      this.combobox.close()
      return
    }
    this.ready = new Promise((resolve) => {
      this.pause = setTimeout(() => this.ask().finally(resolve), PAUSE_MS)
    })
  }

  open() {
    if (this.combobox.isOpen || this.isChosen) return
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
    this.offers = [...namesakes, ...people.filter((person) => !isSame(person))]
    if (this.text && !this.isExistingOnly) this.offers.push({ create: this.text, isAnother: namesakes.length > 0 })
    this.list.replaceChildren(...this.offers.map((offer) => this.row(offer, namesakes.includes(offer))))
    this.said.textContent = this.text ? words.found(people.length) : ""
    if (!this.offers.length && this.text) this.list.append(make("li", { className: "none", textContent: gettext("Nobody of that name") }))
    if (!this.combobox.show()) return
    this.place()
    if (this.text) this.combobox.highlight(0) // nothing typed: Return must not name anybody
  }

  row(option, isNamesake) {
    const item = make("li")
    item.setAttribute("role", "option")
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

  // ---------- Choosing

  clicked(event) {
    const item = event.target.closest("[role=option]")
    if (item) this.pick(this.offers[this.combobox.options.indexOf(item)])
  }

  /** Take what is highlighted, once the server has said who there is. */
  async take() {
    if (this.isChosen) {
      if (!this.start) this.submit()
      return
    }
    const text = this.text
    if (!this.combobox.isOpen && text) this.open()
    await this.ready
    if (text === this.text && this.combobox.active >= 0) this.pick(this.offers[this.combobox.active])
  }

  pick(option) {
    this.choose(option)
    this.combobox.close()
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
