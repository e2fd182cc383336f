export { EchoModel, type EchoOptions } from './echo-model.js'
export { type EchoServer, startEchoServer } from './start-echo-server.js'
