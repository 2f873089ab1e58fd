// Writes static/vendor/ anew from node_modules: run `make vendor` (npm ci, then this file).
// Every file it writes is listed with its hash in VENDOR.json, which tests/test_vendor.py checks.

import { createHash } from "node:crypto"
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { feature } from "topojson-client"

const here = dirname(fileURLToPath(import.meta.url))
const modules = join(here, "node_modules")
const vendor = join(here, "../../static/vendor")
const lock = JSON.parse(await readFile(join(here, "package-lock.json"), "utf8"))

// Django's manifest storage would look for the source map, which we do not ship.
const withoutSourceMap = (text) => text.replace(/\n?\/[*/]# sourceMappingURL=.*$/m, "")

async function copyText(from, to) {
  await writeFile(join(vendor, to), withoutSourceMap(await readFile(join(modules, from), "utf8")))
}

async function copy(from, to) {
  await cp(join(modules, from), join(vendor, to))
}

async function licenceOf(name, to) {
  const file = (await readdir(join(modules, name))).find((entry) => /^licen[cs]e/i.test(entry))
  if (file) await copy(`${name}/${file}`, to)
}

async function bootstrap() {
  await copyText("bootstrap/dist/css/bootstrap.min.css", "bootstrap/bootstrap.min.css")
  await licenceOf("bootstrap", "bootstrap/LICENSE")
  return ["bootstrap"]
}

async function figtree() {
  for (const subset of ["latin", "latin-ext"]) {
    const file = `figtree-${subset}-wght-normal.woff2`
    await copy(`@fontsource-variable/figtree/files/${file}`, `figtree/${file}`)
  }
  await licenceOf("@fontsource-variable/figtree", "figtree/LICENSE")
  return ["@fontsource-variable/figtree"]
}

async function idiomorph() {
  await copyText("idiomorph/dist/idiomorph-ext.min.js", "idiomorph/idiomorph-ext.min.js")
  await licenceOf("idiomorph", "idiomorph/LICENSE")
  return ["idiomorph"]
}

async function icons() {
  const list = await readFile(join(here, "icons.txt"), "utf8")
  const names = list.split("\n").filter((line) => line && !line.startsWith("#"))
  const symbols = await Promise.all(names.map(async (name) => {
    const svg = await readFile(join(modules, `bootstrap-icons/icons/${name}.svg`), "utf8")
    const [, viewBox] = svg.match(/viewBox="([^"]+)"/)
    const shapes = svg.replace(/^<svg[^>]*>|<\/svg>\s*$/g, "").replace(/\s*\n\s*/g, "")
    return `<symbol id="${name}" viewBox="${viewBox}">${shapes}</symbol>`
  }))
  const sprite = `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`
  await writeFile(join(vendor, "bootstrap-icons/icons.svg"), sprite)
  await licenceOf("bootstrap-icons", "bootstrap-icons/LICENSE")
  return ["bootstrap-icons"]
}

async function bundle(name, { hasStyles = false } = {}) {
  const common = { bundle: true, minify: true, legalComments: "none", metafile: true, logLevel: "warning" }
  const script = await build({
    ...common,
    entryPoints: [join(here, `${name}.js`)],
    outfile: join(vendor, `${name}/${name}.min.js`),
    format: "esm",
    target: "es2022",
  })
  const styles = { entryPoints: [join(here, `${name}.css`)], outfile: join(vendor, `${name}/${name}.min.css`) }
  if (hasStyles) await build({ ...common, ...styles })
  const inputs = Object.keys(script.metafile.inputs)
  const packages = [...new Set(inputs.map(packageOf).filter(Boolean))].sort()
  const notices = await Promise.all(packages.map(notice))
  await writeFile(join(vendor, `${name}/LICENSES.txt`), notices.join("\n\n"))
  return packages
}

const uppy = () => bundle("uppy")
const photoswipe = () => bundle("photoswipe", { hasStyles: true })

/** The outline of the land of the world as one SVG path, in tenths of degrees: x to the east, y to the south. */
async function world() {
  const atlas = JSON.parse(await readFile(join(modules, "world-atlas/land-110m.json"), "utf8"))
  const { features } = feature(atlas, atlas.objects.land)
  const rings = features.flatMap(({ geometry }) => geometry.coordinates.flat())
  const path = `<path id="land" fill-rule="evenodd" d="${rings.map(outline).join("")}"/>`
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1800 -900 3600 1800">${path}</svg>\n`
  await writeFile(join(vendor, "world/world.svg"), svg)
  await licenceOf("world-atlas", "world/LICENSE")
  return ["world-atlas"]
}

/** A closed ring of longitudes and latitudes; each step is told from the place before, which takes half the bytes. */
function outline(ring) {
  const places = ring.map(([longitude, latitude]) => [Math.round(longitude * 10), Math.round(-latitude * 10)])
  const steps = places.slice(1).map(([x, y], i) => [x - places[i][0], y - places[i][1]]).filter(([x, y]) => x || y)
  return `M${places[0].join(" ")}l${steps.flat().join(" ").replaceAll(" -", "-")}z`
}

function packageOf(input) {
  return input.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1]
}

async function notice(name) {
  const folder = join(modules, name)
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry))
  const text = file ? (await readFile(join(folder, file), "utf8")).trim() : "(no licence file in the package)"
  return `${name} ${about(name).version}, ${about(name).licence}\n\n${text}\n`
}

function about(name) {
  const entry = lock.packages[`node_modules/${name}`]
  return { name, version: entry.version, licence: entry.license, integrity: entry.integrity }
}

async function filesUnder(folder) {
  const entries = await readdir(join(vendor, folder), { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort()
  return Object.fromEntries(await Promise.all(paths.map(async (path) => [
    relative(vendor, path),
    createHash("sha256").update(await readFile(path)).digest("hex"),
  ])))
}

const parts = { bootstrap, "bootstrap-icons": icons, figtree, idiomorph, photoswipe, uppy, world }
const listing = {}
await rm(vendor, { recursive: true, force: true })
for (const [folder, make] of Object.entries(parts)) {
  await mkdir(join(vendor, folder), { recursive: true })
  const packages = await make()
  listing[folder] = { packages: packages.map(about), files: await filesUnder(folder) }
}
await writeFile(join(vendor, "VENDOR.json"), JSON.stringify(listing, null, 2) + "\n")
