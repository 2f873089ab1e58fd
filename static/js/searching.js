// The search box: offers people, albums, times and places as one types. Each offer is a link to the search with it.
// Arrows choose, Return follows; without a choice the form is sent and the page shows the same offers.

import { Combobox } from "./combobox.js"

const PAUSE_MS = 100 // between the last letter and the question to the server

class SearchBox {
  constructor(form) {
    this.form = form
    this.input = form.querySelector("input[name=q]")
    this.list = document.createElement("div")
    Object.assign(this.list, { className: "search-offers", id: `offers-${Math.random().toString(36).slice(2)}` })
    form.append(this.list)
    this.combobox = new Combobox(this.input, this.list, this.input.getAttribute("aria-label"), {
      pressedReturn: (event, offer) => {
        if (!offer) return // the form is sent
        event.preventDefault()
        offer.click()
      },
      closed: () => this.stopAsking(),
    })
    this.input.addEventListener("input", () => this.typed())
  }

  typed() {
    this.stopAsking()
    if (this.input.value.trim()) this.pause = setTimeout(() => this.ask(), PAUSE_MS)
    else this.combobox.close()
  }

  stopAsking() {
    clearTimeout(this.pause)
    this.asking?.abort()
  }

  async ask() {
    this.asking = new AbortController()
    const address = new URL(this.form.dataset.offers, location.href)
    address.searchParams.set("q", this.input.value.trim())
    try {
      const answer = await fetch(address, { signal: this.asking.signal })
      if (!answer.ok) return
      this.list.innerHTML = await answer.text()
      this.combobox.show()
    } catch (error) {
      if (error.name !== "AbortError") this.combobox.close() // the form still works
    }
  }
}

for (const form of document.querySelectorAll("form[data-offers]")) new SearchBox(form)
