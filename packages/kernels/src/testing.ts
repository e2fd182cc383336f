export { type DamagedJson, damagedJson } from './testing/damaged-json.js'
