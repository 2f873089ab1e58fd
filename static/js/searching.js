// The search box: offers people, albums, times and places as one types. Each offer is a link to the search with it.
// Arrows choose, Return follows; without a choice the form is sent and the page shows the same offers.

const PAUSE_MS = 100 // between the last letter and the question to the server

class SearchBox {
  constructor(form) {
    this.form = form
    this.input = form.querySelector("input[name=q]")
    this.active = -1
    this.list = document.createElement("div")
    Object.assign(this.list, { className: "search-offers", id: `offers-${Math.random().toString(36).slice(2)}`, hidden: true })
    this.list.setAttribute("role", "listbox")
    this.list.setAttribute("aria-label", this.input.getAttribute("aria-label"))
    form.append(this.list)
    for (const [name, value] of Object.entries({
      role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id,
    })) this.input.setAttribute(name, value)
    this.input.addEventListener("input", () => this.typed())
    this.input.addEventListener("keydown", (event) => this.pressed(event))
    this.input.addEventListener("blur", () => this.close())
    this.list.addEventListener("pointerdown", (event) => event.preventDefault()) // keeps the focus in the field
  }

  get offers() {
    return [...this.list.querySelectorAll("[role=option]")]
  }

  typed() {
    clearTimeout(this.pause)
    this.asking?.abort()
    if (this.input.value.trim()) this.pause = setTimeout(() => this.ask(), PAUSE_MS)
    else this.close()
  }

  async ask() {
    this.asking = new AbortController()
    const address = new URL(this.form.dataset.offers, location.href)
    address.searchParams.set("q", this.input.value.trim())
    try {
      const answer = await fetch(address, { signal: this.asking.signal })
      if (answer.ok) this.show(await answer.text())
    } catch (error) {
      if (error.name !== "AbortError") this.close() // the form still works
    }
  }

  show(html) {
    this.list.innerHTML = html
    for (const [index, offer] of this.offers.entries()) offer.id = `${this.list.id}-${index}`
    this.list.hidden = !this.list.childElementCount || document.activeElement !== this.input
    this.input.setAttribute("aria-expanded", String(!this.list.hidden))
    this.highlight(-1)
  }

  highlight(index) {
    this.active = index
    for (const [i, offer] of this.offers.entries()) offer.setAttribute("aria-selected", String(i === index))
    if (index < 0) this.input.removeAttribute("aria-activedescendant")
    else {
      this.input.setAttribute("aria-activedescendant", this.offers[index].id)
      this.offers[index].scrollIntoView({ block: "nearest" })
    }
  }

  close() {
    clearTimeout(this.pause)
    this.asking?.abort()
    this.list.hidden = true
    this.input.setAttribute("aria-expanded", "false")
    this.highlight(-1)
  }

  pressed(event) {
    const count = this.offers.length
    if (event.isComposing || this.list.hidden) return
    if (event.key === "Enter" && this.active >= 0) {
      event.preventDefault()
      this.offers[this.active].click()
    } else if (event.key === "Escape") {
      event.preventDefault()
      this.close()
    } else if (event.key === "ArrowDown" && count) {
      event.preventDefault()
      this.highlight((this.active + 1) % count)
    } else if (event.key === "ArrowUp" && count) {
      event.preventDefault()
      this.highlight((this.active <= 0 ? count : this.active) - 1)
    }
  }
}

for (const form of document.querySelectorAll("form[data-offers]")) new SearchBox(form)
