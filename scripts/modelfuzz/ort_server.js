// Runs ONNX models by ONNX Runtime for scripts/fuzz_models.py: one process for many models.
// A line of standard input is {"model": PATH, "feeds": {NAME: {"shape": [...], "data": BASE64}}}; the line that answers on standard output
// is {"outputs": {NAME: {"shape": [...], "data": BASE64}}} or {"error": TEXT}. Data are float32, little-endian.
// argv[2] is the folder whose node_modules has onnxruntime-node.
'use strict';
const path = require('path');
const readline = require('readline');
const ort = require(path.join(path.resolve(process.argv[2]), 'node_modules', 'onnxruntime-node'));

// Without graph optimisation: what each operator is said to compute, and no fusion of several.
const options = {graphOptimizationLevel: 'disabled', intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4};

function floats(base64) {
  const bytes = Buffer.from(base64, 'base64');
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

async function answer(request) {
  const session = await ort.InferenceSession.create(request.model, options);
  try {
    const feeds = {};
    for (const [name, tensor] of Object.entries(request.feeds))
      feeds[name] = new ort.Tensor('float32', floats(tensor.data), tensor.shape);
    const results = await session.run(feeds);
    const outputs = {};
    for (const [name, tensor] of Object.entries(results)) {
      const data = tensor.data instanceof Float32Array ? tensor.data : Float32Array.from(tensor.data, Number);
      outputs[name] = {shape: tensor.dims, data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')};
    }
    return {outputs};
  } finally {
    await session.release();
  }
}

(async () => {
  for await (const line of readline.createInterface({input: process.stdin})) {
    let reply;
    try {
      reply = await answer(JSON.parse(line));
    } catch (error) {
      reply = {error: String(error.message || error)};
    }
    process.stdout.write(JSON.stringify(reply) + '\n');
  }
})();
