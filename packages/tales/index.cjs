const { join } = require('node:path')

exports.modelPath = join(__dirname, 'model')
