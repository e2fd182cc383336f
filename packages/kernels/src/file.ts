export { MappedFile } from './mapped-file.js'
