#!/bin/sh
# Writes static/vendor/ anew. Needs Node 20 and the npm registry; Kith itself needs neither.
set -e
cd "$(dirname "$0")"
npm ci --ignore-scripts --no-audit --no-fund
npm run --silent refresh
